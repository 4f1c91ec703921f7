/*
 * Relays the datagrams of a DTLS session to and from an application that knows nothing of DTLS
 *
 * One for one, in both directions. A datagram that a side does not accept is lost and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_RELAY_H
#define DGRAM_RELAY_H

#include "net/loop.h"

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

struct dgram_relay;

/* The owner of a relay: what it is told, from the loop. */
struct dgram_relay_owner {
    void *argument;
    /* The end: the DTLS session has ended (reason NULL), or broke. The relay is gone. */
    void (*ended)(void *argument, const char *reason);
    /* Nobody listens at the other end of plain. dgram_relay_use() may be called. NULL: not told. */
    void (*refused)(void *argument);
};

/*
 * Relay between ssl (handshake complete) and plain, a connected socket of datagrams or one of a
 * pair of SOCK_SEQPACKET, whose end is the relay's. The relay owns it from now on. header: what
 * goes in front of each datagram to plain; it is copied. *active becomes clock_ms() at each
 * datagram. owner is copied. NULL: out of memory; plain is closed then, too.
 */
struct dgram_relay *dgram_relay_start(struct loop *loop, SSL *ssl, int plain,
                                      const unsigned char *header, size_t header_length,
                                      int64_t *active, const struct dgram_relay_owner *owner);

/* Relay to another socket from now on, in place of plain, which is closed. */
void dgram_relay_use(struct dgram_relay *relay, int plain);

/* End it from outside; ended() is not called. */
void dgram_relay_stop(struct dgram_relay *relay);

#endif
