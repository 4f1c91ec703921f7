/*
 * Local programs that speak datagrams: each peer of a socket gets its own socket
 *
 * UDP has no connection: one end of a socket pair (AF_UNIX, SOCK_SEQPACKET) takes its place, and
 * each message on it is a datagram of this peer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_LISTENER_H
#define DGRAM_LISTENER_H

#include "net/addr.h"
#include "net/loop.h"

#include <stdbool.h>

#define DGRAM_LISTENER_MAX 1024 /* peers of a socket at a time */
#define DGRAM_LISTENER_CROWD \
    48 /* peers in all: from here on a quiet one makes room, since a NAF bounds them (64) */
#define DGRAM_LISTENER_QUIET 10 /* seconds without a datagram either way */
#define DGRAM_LISTENER_IDLE \
    300 /* seconds without an answer: a server that was restarted says nothing */

struct dgram_listener;

/* A peer has come: fd is the receiver's, and its end is the peer's. */
typedef void dgram_listener_accepted(void *argument, int fd);

/* On a socket of datagrams, which stays its owner's. NULL: out of memory. */
struct dgram_listener *dgram_listener_new(struct loop *loop, int fd,
                                          dgram_listener_accepted *accepted, void *argument);

/* NULL is fine. */
void dgram_listener_free(struct dgram_listener *listener);

/*
 * Loopback addresses alone, with so many sockets each (dgram.h). False: the reason went to standard
 * error.
 */
bool dgram_listener_open(struct listenings *addresses, int *sockets[], size_t count,
                         const char *option, const char *address);

#endif
