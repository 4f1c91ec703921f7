/*
 * The NAF's one connection to the third party: made, kept up, requests out and answers in
 *
 * Within line_client.c's implementation; everything here runs on the line's loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_CONNECTION_H
#define LINE_CONNECTION_H

#include "net/wait.h"
#include "third_party/dialer.h"
#include "third_party/line_client.h"
#include "third_party/line_requests.h"

#define LINE_LIMIT_MS 3000 /* for an answer, and for a connection to be up */

struct line_client {
    struct flags flags;
    const struct line_client_setup *setup;
    struct line_tls *tls;
    struct loop *home;
    struct loop_message start;
    struct dialer *dialer; /* while the connection is being made */
    struct wire wire;      /* ssl NULL: there is no connection */
    struct wait wait;
    struct event *retry, *overdue;
    int64_t pause;     /* milliseconds */
    int64_t up, heard; /* clock_ms() of the handshake's end, of the last octet */
    int64_t next_id;
    struct line_verified verified; /* of this connection */
    struct line_pendings pending;  /* oldest first */
};

/* False: out of memory; line_connection_end() is due all the same. */
bool line_connection_set_up(struct line_client *client);

/* Connect, now. */
void line_connection_make(struct line_client *client);

/* Send a request that is in the list; while the line is not up it waits there. */
void line_connection_send(struct line_client *client, struct line_pending *pending);

/* The line is down: nobody waits for it in vain, and it is made again after a pause. */
void line_connection_give_up(struct line_client *client, const char *reason);

/* Give every request back, close, and release the connection's own. */
void line_connection_end(struct line_client *client);

#endif
