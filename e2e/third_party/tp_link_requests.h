/*
 * Requests of a NAF's loops on their way to the line and back
 *
 * A request is made on the loop of its UE, handed to the loop of the line, and comes back with its
 * answer. Whoever cancels it only forgets it: it comes back, in time, and is released.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_REQUESTS_H
#define TP_LINK_REQUESTS_H

#include "messages/tp_link_messages.h"
#include "net/loop.h"
#include "queue.h"
#include "third_party/third_party.h"

struct tp_link_pending {
    struct loop_message message; /* on its way to one of the two loops */
    TAILQ_ENTRY(tp_link_pending) next;
    struct loop *caller;
    void *client; /* the line's, for whoever gets it there */
    struct tp_link_request request;
    int64_t asked, sent; /* clock_ms(); sent 0: not yet */
    struct tp_link_answer answer;
    const char *reason; /* there is no answer: why; NULL: there is one */
    /* the caller's */
    third_party_done *done;
    third_party_revoked *revoked;
    void *argument;
    bool is_cancelled;
};

TAILQ_HEAD(tp_link_pendings, tp_link_pending);

/* Send a request that has its answer, or a reason why there is none, back to its caller. */
void tp_link_pending_return(struct tp_link_pending *pending, const char *reason);

#endif
