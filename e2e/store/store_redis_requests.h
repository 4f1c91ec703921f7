/*
 * The requests to the store in a Redis (store.h says what each does), and the store's structure
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_REDIS_REQUESTS_H
#define STORE_REDIS_REQUESTS_H

#include "store/redis.h"
#include "store/store_redis.h"

#include <pthread.h>

struct redis_store {
    struct store store;
    const struct store_redis_options *options;
    struct redis_setup setup;
    struct addrs addrs;
    char *host;
    size_t count;
    struct redis **clients; /* one of each loop */
    pthread_rwlock_t lock;  /* of keys and setup.tls */
    struct seal_keys *keys;
    struct loop *first;
    struct revoked_watch *watch; /* NULL: nobody asked for it */
};

struct store_request *store_redis_put(struct store *store, struct loop *loop,
                                      const struct store_record *record, store_done *done,
                                      void *argument, struct store_answer *now);
struct store_request *store_redis_get(struct store *store, struct loop *loop, const char *identity,
                                      store_done *done, void *argument, struct store_answer *now);
struct store_request *store_redis_consume(struct store *store, struct loop *loop,
                                          const char *identity, store_done *done, void *argument,
                                          struct store_answer *now);
struct store_request *store_redis_revoke(struct store *store, struct loop *loop,
                                         const struct store_scope *scope, store_done *done,
                                         void *argument, struct store_answer *now);
void store_redis_cancel(struct store *store, struct store_request *request);

#endif
