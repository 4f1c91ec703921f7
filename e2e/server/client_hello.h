/*
 * How much a client may say before it has proved anything: the bounds of a ClientHello
 *
 * libssl allocates what a ClientHello's header announces, up to 131,396 octets. So the first one is
 * inspected in the socket, until all of it has come, however records split it, and an SSL is only
 * made then. The one after a HelloRetryRequest passes a guard on its way to libssl.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_HELLO_H
#define CLIENT_HELLO_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_HELLO_MAX \
    ((size_t)8192) /* octets that it may announce; a usual one has up to 2000 */

enum client_hello {
    CLIENT_HELLO_WHOLE,
    CLIENT_HELLO_PARTIAL, /* call again when the socket can be read */
    CLIENT_HELLO_NOTHING, /* the other side has closed, and has said nothing: a health check */
    CLIENT_HELLO_REFUSED  /* reason says why; an alert was sent if that helps */
};

struct client_hello_look {
    size_t octets;      /* WHOLE: of its records */
    const char *reason; /* REFUSED */
    int low_water;      /* the socket's SO_RCVLOWAT, if it was set; 0 at first */
};

/* Look at what has come, and leave it in the socket. */
enum client_hello client_hello_look(int fd, struct client_hello_look *look);

/* Guard what an SSL reads from its socket behind the first ClientHello. False: out of memory. */
bool client_hello_guard(SSL *ssl, size_t octets);

/* The handshake is complete: no more of that. */
void client_hello_unguard(SSL *ssl);

/* Has the guard refused a ClientHello? */
bool client_hello_was_refused(SSL *ssl);

#endif
