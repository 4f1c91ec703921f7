/*
 * The server: what its connections share, and what belongs to one loop of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_H
#define SERVER_H

#include "messages/identity.h"
#include "net/loop.h"
#include "queue.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

#define SERVER_SECRET_LENGTH 32

/* --e2e: what a NAF does with a UE. */
enum when {
    WHEN_REQUIRED, /* nothing goes in plain */
    WHEN_OFFERED,  /* e2e for UEs with a Ka, plain as well */
    WHEN_OFF       /* nobody is asked for a flag */
};

struct limits {
    unsigned int handshake, line, idle;      /* seconds */
    unsigned int session;                    /* seconds; 0: without end */
    unsigned int descriptors_per_connection; /* 2 where each has a backend of its own */
};

struct app;
struct connection;
struct key_issuer;
struct notify;
struct third_party;
struct tp_link_tls;
struct devices_current;
struct source;
struct store;
struct store_scope;
struct conn_limit;

TAILQ_HEAD(connections, connection);

/* Places for connections: strangers at one kind of listener take none of another's. */
enum pool_kind { POOL_UES, POOL_NOTIFY, POOL_STATUS, POOLS };

struct pool {
    unsigned int max;            /* connections at a time */
    atomic_uint open;            /* now */
    struct conn_limit *networks; /* unfinished ones of a source address */
};

/* What belongs to one loop. */
struct worker {
    struct server *server;
    struct loop *loop;
    struct connections all, unfinished[POOLS], idle; /* oldest first */
    atomic_uint evictable_count[POOLS]; /* of the last two, for other loops to look at */
    bool is_draining;                   /* no more is accepted */
    struct acceptor *acceptor;
};

struct server {
    struct limits limits;
    struct loops *loops;
    struct worker *workers; /* as many as loops */
    struct pool pools[POOLS];
    struct conn_limit *devices; /* connections */
    struct conn_limit *held;    /* a device's first connections between two nonces */
    struct conn_limit *lines;   /* of a NAF's name */
    unsigned char secret[SERVER_SECRET_LENGTH]; /* of this process: keys of unknown identities */
    SSL_CTX *psk;                               /* for UEs */
    /* NAF: first connections; flags NULL: none are accepted */
    const char *naf; /* --naf-fqdn: its name, as revocations and the store's bounds have it */
    enum when when;
    struct identity_rules identities;
    struct source *source;
    struct third_party *third_party;
    struct notify *notify; /* of revoked keys; NULL: nobody notifies */
    /* endpoint: e2e connections; store NULL: none are accepted */
    struct store *store;
    struct app *app;
    /* third party */
    struct devices_current *devices_current;
    struct key_issuer *issuer;
    struct {
        const char *mode, *digest, *usage;
    } policy;
    struct tp_link_tls *tp_link; /* to NAFs; NULL: none */
};

/*
 * End the connections that run on what scope describes (store.h), on every loop; those whose
 * handshake has got as far as the key are among them. It is under way when this returns; then
 * (NULL: nobody waits) is posted to loop when it is done. Called on any thread. False: out of
 * memory, and then is not posted.
 */
bool server_close_matching(struct server *server, const struct store_scope *scope,
                           struct loop *loop, struct loop_message *then);

/*
 * The same in two steps, where nobody waits: what can fail comes first (NULL: out of memory), with
 * a copy of the scope; the second step releases it. Or it is dropped instead; NULL is fine there.
 */
struct close_matching *close_matching_prepare(const struct server *server,
                                              const struct store_scope *scope);
void close_matching_run(struct server *server, struct close_matching *matching);
void close_matching_discard(struct close_matching *matching);

/* Close every connection, on every loop: the end of a drain. To be called once. */
bool server_close_all(struct server *server, const char *reason);

#endif
