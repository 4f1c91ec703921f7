/*
 * The server: loops, limits and connections; what a kind of connection works with is its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/server.h"

#include "server/close_matching.h"
#include "server/conn_limit.h"
#include "server/connection.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_LEFT 12 /* for signals, files, the link, clients of metrics */

static void open_worker(struct server *server, size_t i)
{
    struct worker *worker = &server->workers[i];

    worker->server = server;
    worker->loop = &server->loops->loop[i];
    TAILQ_INIT(&worker->all);
    for (enum pool_kind pool = 0; pool < POOLS; pool++)
        TAILQ_INIT(&worker->unfinished[pool]);
    TAILQ_INIT(&worker->idle);
}

const char *server_open(struct server *server, size_t loops)
{
    server->loops = loops_new(loops);
    if (server->loops == NULL)
        return "no event loops: not enough memory or descriptors";
    server->workers = OPENSSL_zalloc(loops * sizeof(*server->workers));
    if (server->workers == NULL || !server_reserve(server) ||
        RAND_bytes((unsigned char *)&server->seed, sizeof(server->seed)) <= 0)
        return "out of memory";
    for (size_t i = 0; i < loops; i++)
        open_worker(server, i);
    return NULL;
}

bool server_limit_networks(struct server *server, unsigned int per_source)
{
    bool done = true;

    for (enum pool_kind i = 0; i < POOLS; i++) {
        struct pool *pool = &server->pools[i];
        const unsigned int share = pool->max / 2;

        pool->networks = conn_limit_new(i == POOL_UES || per_source < share ? per_source : share);
        done = done && pool->networks != NULL;
    }
    return done;
}

/* The descriptors that the process may open from now on; 0: as many as anybody wants, or unknown.
 */
static unsigned int raise_descriptors(void)
{
    const int used = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3); /* the lowest that is free */
    struct rlimit descriptors;
    unsigned int left;

    if (used >= 0)
        (void)close(used);
    if (used < 0 || getrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return 0;
    descriptors.rlim_cur = descriptors.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    if (descriptors.rlim_cur > UINT_MAX / 2)
        return 0;
    left = (unsigned int)descriptors.rlim_cur - (unsigned int)used;
    return left > DESCRIPTORS_LEFT ? left - DESCRIPTORS_LEFT : 1;
}

/* Descriptors for a pool, of those that are left for all; it may be given fewer than it wants. */
static unsigned int keep_back(struct pool *pool, bool is_used, unsigned int left)
{
    const unsigned int share = left / 8 > 0 ? left / 8 : 1;

    if (!is_used)
        return 0;
    pool->max = pool->max < share ? pool->max : share;
    return pool->max;
}

unsigned int server_fit_descriptors(struct server *server, const bool is_used[POOLS])
{
    struct pool *ues = &server->pools[POOL_UES];
    unsigned int fit = raise_descriptors();

    if (fit == 0)
        return 0;
    for (enum pool_kind pool = 0; pool < POOLS; pool++)
        if (pool != POOL_UES)
            fit -= keep_back(&server->pools[pool], is_used[pool], fit);
    fit /= server->limits.descriptors_per_connection;
    if (fit == 0 || fit >= ues->max)
        return 0;
    ues->max = fit;
    return fit;
}

void server_release(struct server *server)
{
    for (enum pool_kind pool = 0; pool < POOLS; pool++)
        conn_limit_free(server->pools[pool].networks);
    close_matching_discard(server->spare);
    OPENSSL_free(server->workers);
}
