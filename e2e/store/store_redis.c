/*
 * The store of outstanding e2e keys in a Redis that endpoints and third parties share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_redis.h"

#include "net/tls.h"
#include "net/tls_client.h"
#include "printable.h"
#include "store/store_redis_requests.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define PLAIN  "redis://"
#define SECURE "rediss://"

static void redis_store_free(struct store *base)
{
    struct redis_store *store = (struct redis_store *)base;

    for (size_t i = 0; i < store->count; i++)
        redis_free(store->clients[i]);
    OPENSSL_free(store->clients);
    SSL_CTX_free(store->setup.tls);
    addrs_close(&store->addrs);
    OPENSSL_free(store->host);
    seal_keys_free(store->keys);
    (void)pthread_rwlock_destroy(&store->lock);
    OPENSSL_free(store);
}

static const struct store_ops redis_ops = {store_redis_put,     store_redis_get,
                                           store_redis_consume, store_redis_revoke,
                                           store_redis_cancel,  redis_store_free};

bool store_redis_is_secure(const char *url)
{
    return strncmp(url, SECURE, strlen(SECURE)) == 0;
}

/* What stands behind the scheme; NULL: it is neither of the two. */
static const char *address_of(const char *url)
{
    if (store_redis_is_secure(url))
        return url + strlen(SECURE);
    return strncmp(url, PLAIN, strlen(PLAIN)) == 0 ? url + strlen(PLAIN) : NULL;
}

/* The name in HOST:PORT, to be released; NULL where one of both is missing. */
static char *host_of(const char *address)
{
    char *host = NULL, *port = NULL;

    if (BIO_parse_hostserv(address, &host, &port, BIO_PARSE_PRIO_SERV) <= 0 || port == NULL) {
        OPENSSL_free(host);
        host = NULL;
    }
    OPENSSL_free(port);
    ERR_clear_error();
    return host;
}

bool store_redis_is_url(const char *url)
{
    const char *address = address_of(url);
    char *host = address == NULL || strpbrk(address, "@/?") != NULL ? NULL : host_of(address);
    const bool is_url = host != NULL;

    OPENSSL_free(host);
    return is_url;
}

static bool open_url(struct redis_store *store, const char *url)
{
    const char *address = address_of(url);

    store->host = host_of(address);
    return store->host != NULL && addrs_open(&store->addrs, "store", address);
}

/* It is read at each connection; that it is of no use is better said at the start. */
static bool has_password(const struct redis_store *store)
{
    const char *path = store->options->password_file;

    return path == NULL || redis_password_is_there(path);
}

static bool open_tls(struct redis_store *store)
{
    if (!store_redis_is_secure(store->options->url))
        return true;
    store->setup.tls = tls_client_ctx(store->options->ca);
    if (store->setup.tls == NULL)
        fprintf(stderr, "--store-ca %s: %s\n",
                store->options->ca == NULL ? "(of the system)" : PRINTABLE(store->options->ca),
                tls_file_error());
    return store->setup.tls != NULL;
}

static bool connect_all(struct redis_store *store, struct loops *loops)
{
    store->setup.addrs = &store->addrs;
    store->setup.host = store->host;
    store->setup.user = store->options->user;
    store->setup.password_file = store->options->password_file;
    store->clients = OPENSSL_zalloc(loops->count * sizeof(struct redis *));
    if (store->clients == NULL)
        return false;
    for (; store->count < loops->count; store->count++) {
        store->clients[store->count] = redis_new(&loops->loop[store->count], &store->setup);
        if (store->clients[store->count] == NULL)
            return false;
    }
    return true;
}

struct store *store_redis_new(struct loops *loops, const struct store_redis_options *options)
{
    struct redis_store *store = OPENSSL_zalloc(sizeof(*store));
    char fault[SEAL_KEYS_FAULT_SIZE];

    if (store == NULL)
        return NULL;
    store->store.ops = &redis_ops;
    store->options = options;
    (void)pthread_rwlock_init(&store->lock, NULL);
    store->keys = seal_keys_read(options->key, fault);
    if (store->keys == NULL)
        fprintf(stderr, "--store-key %s: %s\n", PRINTABLE(options->key), fault);
    if (store->keys != NULL && has_password(store) && open_url(store, options->url) &&
        open_tls(store) && connect_all(store, loops))
        return &store->store;
    redis_store_free(&store->store);
    return NULL;
}

void store_redis_use_keys(struct store *base, struct seal_keys *keys)
{
    struct redis_store *store = (struct redis_store *)base;
    struct seal_keys *old;

    (void)pthread_rwlock_wrlock(&store->lock);
    old = store->keys;
    store->keys = keys;
    (void)pthread_rwlock_unlock(&store->lock);
    seal_keys_free(old);
}
