/*
 * The store of outstanding e2e keys in a Redis that endpoints and third parties share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_redis.h"

#include "net/tls.h"
#include "net/tls_client.h"
#include "printable.h"
#include "store/revoked.h"
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

    revoked_watch_free(store->watch);
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

static bool redis_store_watch(struct store *base, store_revoked *revoked, void *argument)
{
    struct redis_store *store = (struct redis_store *)base;

    store->watch = revoked_watch_new(store, store->first, revoked, argument);
    return store->watch != NULL;
}

static const struct store_ops redis_ops = {
    store_redis_put,    store_redis_get,   store_redis_consume, store_redis_revoke,
    store_redis_cancel, redis_store_watch, redis_store_free,
};

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

static bool complain(const char *option, const char *path, const char *reason,
                     char fault[STORE_REDIS_FAULT_SIZE])
{
    (void)snprintf(fault, STORE_REDIS_FAULT_SIZE, "--%s %s: %s", option, PRINTABLE_PATH(path),
                   reason);
    return false;
}

static bool read_ca(const struct store_redis_options *options, struct store_redis_files *files,
                    char fault[STORE_REDIS_FAULT_SIZE])
{
    if (!store_redis_is_secure(options->url))
        return true;
    files->tls = tls_client_ctx(options->ca);
    return files->tls != NULL ||
           complain("store-ca", options->ca == NULL ? "(of the system)" : options->ca,
                    tls_file_error(), fault);
}

bool store_redis_read(const struct store_redis_options *options, struct store_redis_files *files,
                      char fault[STORE_REDIS_FAULT_SIZE])
{
    const char *password = options->password_file;
    char what[SECRET_FILE_FAULT_SIZE];

    *files = (struct store_redis_files){.keys = seal_keys_read(options->key, what)};
    if (files->keys == NULL)
        (void)complain("store-key", options->key, what, fault);
    else if (password != NULL && !redis_password_is_there(password, what))
        (void)complain("store-password-file", password, what, fault);
    else if (read_ca(options, files, fault))
        return true;
    store_redis_drop(files);
    return false;
}

void store_redis_drop(struct store_redis_files *files)
{
    seal_keys_free(files->keys);
    SSL_CTX_free(files->tls);
    *files = (struct store_redis_files){.keys = NULL};
}

void store_redis_use(struct store *base, struct store_redis_files *files)
{
    struct redis_store *store = (struct redis_store *)base;
    struct store_redis_files old;

    (void)pthread_rwlock_wrlock(&store->lock);
    old = (struct store_redis_files){store->keys, store->setup.tls};
    store->keys = files->keys;
    store->setup.tls = files->tls;
    (void)pthread_rwlock_unlock(&store->lock);
    store_redis_drop(&old);
}

static bool read_files(struct redis_store *store)
{
    char fault[STORE_REDIS_FAULT_SIZE];
    struct store_redis_files files;

    if (!store_redis_read(store->options, &files, fault)) {
        fprintf(stderr, "%s\n", fault);
        return false;
    }
    store->keys = files.keys;
    store->setup.tls = files.tls;
    store->setup.is_secure = files.tls != NULL;
    store->setup.lock = &store->lock;
    return true;
}

static bool connect_all(struct redis_store *store, struct loops *loops)
{
    store->first = &loops->loop[0];
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

    if (store == NULL)
        return NULL;
    store->store.ops = &redis_ops;
    store->options = options;
    (void)pthread_rwlock_init(&store->lock, NULL);
    if (read_files(store) && open_url(store, options->url) && connect_all(store, loops))
        return &store->store;
    redis_store_free(&store->store);
    return NULL;
}
