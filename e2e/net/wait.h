/*
 * Waiting for a socket, with a moment until when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WAIT_H
#define WAIT_H

#include "net/loop.h"
#include "net/wire.h"

#include <event2/event_struct.h>
#include <stdint.h>

#define WAIT_TURNS 16 /* lines served of one connection before others have their turn */

/* in_time: the socket is ready, or there was nothing to wait for; else the moment has come. */
typedef void wait_done(void *argument, bool in_time);

struct wait {
    struct event event;
    int fd;
    wait_done *done;
    void *argument;
};

/* To be called once, before the others. */
void wait_begin(struct wait *wait, struct loop *loop, int fd, wait_done *done, void *argument);

/*
 * Have done() called when the socket is ready for what is wanted (WIRE_OK: soon, whatever the
 * socket says; WIRE_PAUSED: never) or when clock_ms() has reached deadline; 0: no deadline.
 * Replaces what was waited for before.
 */
void wait_for(struct wait *wait, enum wire_result wanted, int64_t deadline);

/* Wait for nothing. */
void wait_end(struct wait *wait);

#endif
