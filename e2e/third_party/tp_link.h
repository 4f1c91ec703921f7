/*
 * The NAF's one connection to the third party: made, kept up, requests out and answers in
 *
 * Within tp_link_client.c's implementation; everything here runs on the line's loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_H
#define TP_LINK_H

#include "net/io_watch.h"
#include "third_party/dialer.h"
#include "third_party/tp_link_client.h"
#include "third_party/tp_link_requests.h"

#define TP_LINK_LIMIT_MS 3000 /* for an answer, and for a connection to be up */

struct tp_link_client {
    struct third_party third_party;
    const struct tp_link_client_setup *setup;
    struct tp_link_tls *tls;
    struct loop *home;
    struct loop_message start;
    struct dialer *dialer;  /* while the connection is being made */
    struct tls_lines lines; /* ssl NULL: there is no connection */
    struct io_watch watch;
    struct event *retry, *overdue;
    int64_t pause;     /* milliseconds */
    int64_t up, heard; /* clock_ms() of the handshake's end, of the last octet */
    int64_t next_id;
    struct tp_link_verified verified; /* of this connection */
    struct tp_link_pendings pending;  /* oldest first */
};

/* False: out of memory; tp_link_end() is due all the same. */
bool tp_link_set_up(struct tp_link_client *client);

/* Connect, now. */
void tp_link_make(struct tp_link_client *client);

/* Send a request that is in the list; while the line is not up it waits there. */
void tp_link_send(struct tp_link_client *client, struct tp_link_pending *pending);

/* The line is down: nobody waits for it in vain, and it is made again after a pause. */
void tp_link_give_up(struct tp_link_client *client, const char *reason);

/* Give every request back, close, and release the connection's own. */
void tp_link_end(struct tp_link_client *client);

#endif
