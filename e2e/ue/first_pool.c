/*
 * First connections that are kept for the next nonce, of one loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/first_pool.h"
#include "queue.h"

#include "net/clock.h"
#include "net/io_watch.h"
#include "net/tcp.h"
#include "net/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

/* A path that has come to drop everything says nothing: the sender of the next nonce notices. */
#define UNHEARD_MS 3000

struct kept {
    TAILQ_ENTRY(kept) next;
    struct first_pool *pool;
    const struct client_setup *setup; /* a reference */
    SSL *ssl;
    struct io_watch watch;
    int64_t deadline;
};

struct first_pool {
    struct loop *loop;
    struct ue_keys *keys;
    size_t count;
    TAILQ_HEAD(kept_list, kept) kept; /* the last one first */
};

struct first_pool *first_pool_new(struct loop *loop, struct ue_keys *keys)
{
    struct first_pool *pool = OPENSSL_zalloc(sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->loop = loop;
    pool->keys = keys;
    TAILQ_INIT(&pool->kept);
    return pool;
}

/* Out of the pool; the connection is the caller's. */
static SSL *remove_kept(struct kept *kept)
{
    SSL *ssl = kept->ssl;

    io_watch_cancel(&kept->watch);
    TAILQ_REMOVE(&kept->pool->kept, kept, next);
    kept->pool->count--;
    ue_keys_release(kept->pool->keys, kept->setup);
    OPENSSL_free(kept);
    return ssl;
}

/* Nothing is to come but the end, and what TLS has to say to itself. */
static void on_readable(void *argument, bool in_time)
{
    struct kept *kept = argument;
    unsigned char octet;
    int got = -1;

    ERR_clear_error();
    if (in_time)
        got = SSL_read(kept->ssl, &octet, 1);
    if (in_time && io_status_of_ssl(kept->ssl, got) == IO_WANT_READ)
        io_watch_set(&kept->watch, IO_WANT_READ, kept->deadline);
    else
        tls_close(remove_kept(kept));
}

SSL *first_pool_take(struct first_pool *pool, const struct client_setup *setup)
{
    struct kept *kept;

    while ((kept = TAILQ_FIRST(&pool->kept)) != NULL) {
        const bool is_current = kept->setup == setup;
        SSL *ssl = remove_kept(kept);

        if (is_current)
            return ssl;
        tls_close(ssl);
    }
    return NULL;
}

static void keep(struct first_pool *pool, struct kept *kept)
{
    kept->pool = pool;
    kept->deadline = clock_ms() + (int64_t)FIRST_POOL_SECONDS * 1000;
    TAILQ_INSERT_HEAD(&pool->kept, kept, next);
    if (++pool->count > FIRST_POOL_MAX)
        tls_close(remove_kept(TAILQ_LAST(&pool->kept, kept_list)));
    tcp_user_timeout(SSL_get_fd(kept->ssl), UNHEARD_MS);
    io_watch_init(&kept->watch, pool->loop, SSL_get_fd(kept->ssl), on_readable, kept);
    io_watch_set(&kept->watch, IO_WANT_READ, kept->deadline);
}

void first_pool_put(struct first_pool *pool, const struct client_setup *setup, SSL *ssl)
{
    const struct client_setup *current = ue_keys_acquire(pool->keys);
    struct kept *kept = current == setup ? OPENSSL_zalloc(sizeof(*kept)) : NULL;

    if (kept == NULL) {
        ue_keys_release(pool->keys, current);
        tls_close(ssl);
        return;
    }
    kept->setup = current;
    kept->ssl = ssl;
    keep(pool, kept);
}

void first_pool_clear(struct first_pool *pool)
{
    while (!TAILQ_EMPTY(&pool->kept))
        tls_close(remove_kept(TAILQ_FIRST(&pool->kept)));
}

void first_pool_free(struct first_pool *pool)
{
    if (pool == NULL)
        return;
    first_pool_clear(pool);
    OPENSSL_free(pool);
}
