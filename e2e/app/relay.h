/*
 * The relay: a TLS connection's octets to and from an application that knows nothing of all this
 *
 * The end of one direction does not end the other. Each direction holds at most RELAY_PART octets,
 * and only while the side that they go to does not take them: a side that is slow slows the other
 * one down, and a connection on which nothing happens has no buffer. A connection that breaks is
 * broken off at the other side as well, so that nobody takes the half of something for the whole;
 * but a socket of the file system cannot be reset, and its program sees an end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RELAY_H
#define RELAY_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_PART 65536 /* octets */

struct relay;

/*
 * The end: reason says in a sentence what broke, NULL: both directions have ended. The relay is
 * gone, and the plain side's descriptor is closed; the TLS connection is still the owner's.
 */
typedef void relay_ended(void *argument, const char *reason);

/*
 * Relay between ssl (handshake complete, socket does not block, modes PARTIAL_WRITE and
 * ACCEPT_MOVING_WRITE_BUFFER; it reads ahead from now on) and plain, connected, which the relay
 * owns from now on.
 * first: octets that plain gets before all others. *active becomes clock_ms() at each transfer;
 * while octets wait for a side that does not take them, only at one of theirs.
 * ended() comes later, from the loop. NULL: out of memory; plain is closed then, too.
 */
struct relay *relay_start(struct event_base *base, SSL *ssl, int plain, const unsigned char *first,
                          size_t first_length, int64_t *active, relay_ended *ended, void *argument);

/* End it from outside, breaking the plain side off; ended() is not called. */
void relay_stop(struct relay *relay);

#endif
