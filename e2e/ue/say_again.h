/*
 * When to repeat a datagram without an answer: after 1, 2, 4, and then 8 s each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SAY_AGAIN_H
#define SAY_AGAIN_H

#include "net/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct say_again {
    int64_t interval, next; /* ms; next: of clock_ms() */
};

/* It was sent for the first time, or again. */
static inline void say_again_sent(struct say_again *again)
{
    again->interval = again->interval == 0      ? 1000
                      : again->interval >= 8000 ? 8000
                                                : 2 * again->interval;
    again->next = clock_ms() + again->interval;
}

/* Is it time, and not the end of all waiting? */
static inline bool say_again_now(const struct say_again *again, int64_t deadline)
{
    return again->interval != 0 && clock_ms() >= again->next && clock_ms() < deadline;
}

/* When to look: then, or at the deadline. */
static inline int64_t say_again_until(const struct say_again *again, int64_t deadline)
{
    return again->interval != 0 && again->next < deadline ? again->next : deadline;
}

#endif
