/*
 * Requests of a NAF's loops on their way to the line and back
 *
 * A request is made on the loop of its UE, handed to the loop of the line, and comes back with its
 * answer. Whoever cancels it only forgets it: it comes back, in time, and is released.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_REQUESTS_H
#define LINE_REQUESTS_H

#include "messages/line_messages.h"
#include "net/loop.h"
#include "third_party/flags.h"

#include <sys/queue.h>

struct line_pending {
    struct loop_message message; /* on its way to one of the two loops */
    TAILQ_ENTRY(line_pending) next;
    struct loop *caller;
    void *client; /* the line's, for whoever gets it there */
    struct line_request request;
    int64_t asked, sent; /* clock_ms(); sent 0: not yet */
    struct line_answer answer;
    const char *reason; /* there is no answer: why; NULL: there is one */
    /* the caller's */
    flags_done *done;
    flags_revoked *revoked;
    void *argument;
    bool is_cancelled;
};

TAILQ_HEAD(line_pendings, line_pending);

/* Send a request that has its answer, or a reason why there is none, back to its caller. */
void line_pending_return(struct line_pending *pending, const char *reason);

#endif
