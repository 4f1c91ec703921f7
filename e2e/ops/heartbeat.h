/*
 * Whether the event loops turn: each has a timer, whose delay is the loop's lag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include "net/loop.h"

#include <stdint.h>

#define HEARTBEAT_MS 1000

struct heartbeat;

/* A timer on each of loops, which do not run yet. NULL: out of memory. */
struct heartbeat *heartbeat_new(struct loops *loops);

/* Milliseconds since the last beat of the loop that is furthest behind; on any thread. */
int64_t heartbeat_age(const struct heartbeat *heartbeat);

/* The loops do not run any more. NULL is fine. */
void heartbeat_free(struct heartbeat *heartbeat);

#endif
