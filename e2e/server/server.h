/*
 * The server: loops, limits and connections; what a kind of connection works with is its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_H
#define SERVER_H

#include "net/loop.h"
#include "queue.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WORKER_BUCKETS 4096

struct limits {
    unsigned int handshake, line, idle;      /* seconds */
    unsigned int session;                    /* seconds; 0: without end */
    unsigned int descriptors_per_connection; /* 2 where each has a backend of its own */
};

struct conn_limit;
struct connection;
struct store_scope;

TAILQ_HEAD(connections, connection);
LIST_HEAD(alike_connections, connection);

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
    struct alike_connections index[2][WORKER_BUCKETS]; /* by device, by subject (connection.h) */
    struct connections all, unfinished[POOLS], idle;   /* oldest first */
    atomic_uint evictable_count[POOLS]; /* of the last two, for other loops to look at */
    atomic_uint open;                   /* all, and those on their way; likewise */
    bool is_draining;                   /* no more is accepted */
    bool has_job_pool;                  /* its thread has (connection_bound_jobs()) */
    struct acceptor *acceptor;
};

struct server {
    struct limits limits;
    struct loops *loops;
    struct worker *workers; /* as many as loops */
    struct pool pools[POOLS];
    uint32_t seed;                /* random: of the workers' index */
    struct close_matching *spare; /* for server_close_everyone() */
    atomic_uint spare_wanted;     /* how often since it began; 0: it is not under way */
};

/* Make room for server_close_everyone(), when loops and workers are there. False: out of memory. */
bool server_reserve(struct server *server);
void server_release(struct server *server);

/*
 * End the connections that run on what scope describes (store.h), on every loop; those whose
 * handshake has got as far as the key are among them. It is under way when this returns; then
 * (NULL: nobody waits) is posted to loop when it is done. Called on any thread. False: out of
 * memory, and then is not posted.
 */
bool server_close_matching(struct server *server, const struct store_scope *scope,
                           struct loop *loop, struct loop_message *then);

/*
 * The same of any of these scopes, which must be there until then is posted (loop is not NULL). It
 * takes its time in slices, whatever their number.
 */
bool server_close_matching_any(struct server *server, const struct store_scope *scopes,
                               size_t count, struct loop *loop, struct loop_message *then);

/*
 * The same in two steps, where nobody waits: what can fail comes first (NULL: out of memory), with
 * a copy of the scope; the second step releases it. Or it is dropped instead; NULL is fine there.
 */
struct close_matching *close_matching_prepare(const struct server *server,
                                              const struct store_scope *scope);
void close_matching_run(struct server *server, struct close_matching *matching);
void close_matching_discard(struct close_matching *matching);

/* The same of every key: takes no memory, so that a revocation that ran out of it fails closed. */
void server_close_everyone(struct server *server);

/* Close every connection, on every loop: the end of a drain. To be called once. */
bool server_close_all(struct server *server, const char *reason);

#endif
