/*
 * Two ends of a TLS connection in one process, for the tests; whatever goes wrong ends it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include <openssl/ssl.h>
#include <stdbool.h>

#define TURNS 100 /* by which each side has done what it can */

/* Say what, and exit, where something does not hold. */
void check(bool holds, const char *what);

/* Two sockets that do not block; the kernel takes so many octets from the first one. */
void make_pair(int pair[2], int room);

struct tls_pair {
    SSL_CTX *contexts[2];
    SSL *client, *server;
    int fds[2]; /* the client's, the server's */
};

/* Both, before their handshake. room: of the client's socket. */
void tls_pair_make(struct tls_pair *pair, int room);

/* The same, the handshake complete. */
void tls_pair_open(struct tls_pair *pair, int room);

/* From now on the kernel takes as little as may be from either side. */
void tls_pair_narrow(const struct tls_pair *pair);

/* The client says KeyUpdate, update_requested (RFC 8446 4.6.3). */
void tls_pair_ask_for_keys(const struct tls_pair *pair);

/* Ends that somebody else has released are NULL by then, their descriptors -1. */
void tls_pair_close(struct tls_pair *pair);

#endif
