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
    struct close_matching *spare; /* for server_close_everyone() (close_matching.h) */
    atomic_uint spare_wanted;     /* how often since it began; 0: it is not under way */
};

/*
 * Make loops, which do not run, a worker for each, and what server_close_everyone() needs. NULL, or
 * a sentence that says what is short; release it in any case.
 */
const char *server_open(struct server *server, size_t loops);

/*
 * Bound the unfinished connections of a source address: to half of each pool, whose max are set,
 * and those of UEs to per_source. False: out of memory.
 */
bool server_limit_networks(struct server *server, unsigned int per_source);

/*
 * As many descriptors as the process may have, and no more connections than that. is_used: the
 * pools that are listened for. Returns how many connections of UEs fit if those are fewer than
 * wanted, and else 0.
 */
unsigned int server_fit_descriptors(struct server *server, const bool is_used[POOLS]);

/* All but the loops, once they are gone. */
void server_release(struct server *server);

#endif
