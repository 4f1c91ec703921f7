/*
 * The flow as a UE runs it, on an event loop: first connection, nonce, flag, e2e connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "net/loop.h"
#include "ue/client_setup.h"

#include <openssl/ssl.h>
#include <stdbool.h>

#define CLIENT_SECONDS 10 /* each step has to be complete within */
#define CLIENT_SECONDS_UDP \
    40 /* ... over datagrams: a flight is sent after 0, 1, 3, 7, 15 and 31 s */

/* How it ended; the numbers are exit statuses of e2e-ue. */
enum client_outcome {
    CLIENT_READY = 0,     /* connected: e2e, or in plain if that is allowed */
    CLIENT_OTHER = 1,     /* no connection, no memory, ... */
    CLIENT_NO_E2E = 3,    /* the flag is withheld, altered, or not for this UE: a downgrade */
    CLIENT_HANDSHAKE = 4, /* TLS failed: keys differ, or it is not the NAF */
    CLIENT_NO_ANSWER = 5  /* out of order: the NAF, the third party, its store, the endpoint */
};

struct client_result {
    enum client_outcome outcome;
    SSL *ssl;           /* CLIENT_READY: the connection, for the caller to close; else NULL */
    bool is_e2e;        /* ... is it secured with e2e_key? */
    bool is_refused;    /* CLIENT_HANDSHAKE: the NAF takes no first connection with this identity */
    const char *reason; /* otherwise: a sentence, unfiltered */
};

/* Called once, from the loop; the client is gone when this returns, and the result with it. */
typedef void client_done(void *argument, const struct client_result *result);

struct client;
struct first_pool;

/*
 * pool: first connections of this loop; one of them is used if there is one, and one that may be
 * used again is left there. NULL: the client makes and closes its own. NULL is returned: out of
 * memory.
 */
struct client *client_start(struct loop *loop, const struct client_setup *setup,
                            struct first_pool *pool, client_done *done, void *argument);

/* done() will not be called. */
void client_stop(struct client *client);

#endif
