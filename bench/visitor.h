/*
 * One of many clients that a server is measured with: comes, says something, hears it, leaves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VISITOR_H
#define VISITOR_H

#include "net/clock.h"
#include "net/loop.h"
#include "ue/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a visitor comes in. */
enum way {
    WAY_PLAIN, /* TCP or UDP: a relay's local side */
    WAY_TLS,   /* TLS 1.3, or DTLS 1.2, with Ks_NAF as PSK, once */
    WAY_FLOW   /* the whole flow: two handshakes */
};

/* What it does there. */
enum task {
    TASK_VISIT, /* says a line, waits for an answer, leaves, comes again */
    TASK_HOLD,  /* stays after the answer */
    TASK_BULK   /* sends as much as goes, and reads what comes back */
};

/* Set up once, for all. */
struct visit {
    enum way way;
    enum task task;
    int64_t until; /* clock_us(): no new visit and no octet later; 0: for ever */
    /* Puts the client of this visit into the visitor's own setup; NULL: the one it began with. */
    void (*choose)(struct client_setup *setup);
};

/* What the visitors of one loop have seen; nobody else writes to it while the loop runs. */
struct counts {
    struct loop *loop;
    size_t next;                          /* TASK_HOLD: the client that comes when one is in */
    void (*bring)(struct counts *counts); /* ... brings it, if there is one */
    size_t visits, room;
    float *milliseconds; /* of each visit */
    size_t failed;
    char reason[CLIENT_REASON_SIZE]; /* of the first that failed */
    uint64_t octets;                 /* that came back, TASK_BULK */
};

/*
 * Begin, on a loop that does not run yet. setup is the visitor's own (WAY_PLAIN: its endpoint
 * alone). False: out of memory.
 */
bool visitor_begin(struct counts *counts, const struct visit *visit,
                   const struct client_setup *setup);

#endif
