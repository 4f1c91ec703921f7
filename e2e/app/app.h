/*
 * What happens on a connection once it has been proved whose it is: the echo, or a relay
 *
 * The server keeps the connection: it counts it, ends it (revocation, time limits, drain), closes
 * it. In between an application has the TLS connection to itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_H
#define APP_H

#include "net/loop.h"

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A connection as its application sees it; it lies in the server's own structure. */
struct app_connection {
    struct loop *loop;
    SSL *ssl; /* complete handshake, on a socket that does not block: SSL_get_fd() */
    /* modes set: PARTIAL_WRITE, ACCEPT_MOVING_WRITE_BUFFER, RELEASE_BUFFERS */
    const char *device;          /* the device's name as in the row of its Ka; never a claim */
    const char *identity;        /* the PSK identity, for the log */
    const struct sockaddr *peer; /* the UE's address */
    int64_t active;              /* clock_ms() of the last transfer; the application sets it */

    /*
     * The application calls this once, when it is done: its events are gone and nothing of its own
     * is left. The link is gone when this returns. reason: for the log; NULL: the UE has closed.
     */
    void (*end)(struct app_connection *conn, const char *reason);
};

struct app;

struct app_ops {
    /*
     * Take over. The state that is returned is given to stop(). NULL: out of memory; the server
     * closes the connection, and end() must not be called. end() may only be called after start()
     * has returned.
     */
    void *(*start)(struct app *app, struct app_connection *conn);
    /* The server ends the connection: release the state, with its events, and do not call end(). */
    void (*stop)(void *state);
    void (*free)(struct app *app);
};

/* An application's structure starts with this. */
struct app {
    const struct app_ops *ops;
};

/* Lines come back behind a prefix, until the UE closes. line_timeout: seconds. NULL: no memory. */
struct app *app_echo_new(const char *prefix, unsigned int line_timeout);

/* NULL is fine. No connection may be under way. */
void app_free(struct app *app);

#endif
