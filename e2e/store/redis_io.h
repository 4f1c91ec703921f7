/*
 * Octets to and from a Redis server, plain or over TLS, on an event loop
 *
 * libevent's bufferevents crash if memory fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_IO_H
#define REDIS_IO_H

#include "net/loop.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* Called from the loop. If one of the first two returns false the connection has been freed. */
struct redis_io_calls {
    bool (*opened)(void *argument); /* once, before anything else */
    bool (*take)(void *argument, const char *octets, size_t length);
    void (*ended)(void *argument, const char *reason); /* frees the connection */
};

struct redis_io;

/*
 * Begin on a connected socket. ssl, a client's, is the connection's from now on, as the socket is;
 * NULL: plain. NULL: out of memory, and both are released.
 */
struct redis_io *redis_io_new(struct loop *loop, int fd, SSL *ssl,
                              const struct redis_io_calls *calls, void *argument);

/* Have octets written, which are copied. False: out of memory. */
bool redis_io_add(struct redis_io *io, const char *octets, size_t length);

/* NULL is fine. */
void redis_io_free(struct redis_io *io);

#endif
