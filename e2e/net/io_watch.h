/*
 * Waiting for a socket, with a moment until when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef IO_WATCH_H
#define IO_WATCH_H

#include "net/loop.h"
#include "net/tls_lines.h"

#include <event2/event_struct.h>
#include <stdint.h>

#define IO_WATCH_TURNS 16 /* lines served of one connection before others have their turn */

/* in_time: the socket is ready, or there was nothing to wait for; else the moment has come. */
typedef void io_watch_done(void *argument, bool in_time);

struct io_watch {
    struct event event;
    int fd;
    SSL *dtls;             /* NULL: it has no timers of its own to look after */
    enum io_status wanted; /* with dtls: what is waited for, and until when */
    int64_t deadline;
    io_watch_done *done;
    void *argument;
};

/* To be called once, before the others. */
void io_watch_init(struct io_watch *watch, struct loop *loop, int fd, io_watch_done *done,
                   void *argument);

/*
 * The same for what an SSL reads from and writes to. Over DTLS, flights that nobody has answered
 * are sent again meanwhile; where libssl gives up, the moment has come.
 */
void io_watch_init_ssl(struct io_watch *watch, struct loop *loop, SSL *ssl, io_watch_done *done,
                       void *argument);

/*
 * Have done() called when the socket is ready for what is wanted (IO_OK: soon, whatever the
 * socket says; IO_PAUSED: never) or when clock_ms() has reached deadline; 0: no deadline.
 * Replaces what was waited for before. A DTLS session that waits for datagrams gives its buffers
 * back (dtls_release_buffers()). If memory or the kernel fails the moment has come at
 * once.
 */
void io_watch_set(struct io_watch *watch, enum io_status wanted, int64_t deadline);

/* A datagram came that no socket shows: as if the socket were ready. */
void io_watch_wake(struct io_watch *watch);

/* Wait for nothing. */
void io_watch_cancel(struct io_watch *watch);

#endif
