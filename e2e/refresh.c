/*
 * The refresh values a server has given out: each good for one e2e connection, for a while
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "refresh.h"

#include "clock.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct outstanding {
    int64_t expires; /* clock_ms(); 0: the place is free */
    uint64_t number; /* the lower, the older */
    size_t owner;
    char identity[REFRESH_IDENTITY_SIZE];
    unsigned char key[E2E_KEY_LENGTH];
};

struct refresh_store {
    pthread_mutex_t lock;
    int64_t lifetime; /* milliseconds */
    uint64_t given;
    struct outstanding places[REFRESH_MAX];
};

struct refresh_store *refresh_store_new(unsigned int lifetime)
{
    struct refresh_store *store = OPENSSL_zalloc(sizeof(*store));

    if (store == NULL)
        return NULL;
    (void)pthread_mutex_init(&store->lock, NULL);
    store->lifetime = (int64_t)lifetime * 1000;
    return store;
}

void refresh_store_free(struct refresh_store *store)
{
    if (store == NULL)
        return;
    (void)pthread_mutex_destroy(&store->lock);
    OPENSSL_clear_free(store, sizeof(*store));
}

static void forget(struct outstanding *place)
{
    OPENSSL_cleanse(place, sizeof(*place));
}

static void forget_expired(struct refresh_store *store)
{
    const int64_t now = clock_ms();

    for (size_t i = 0; i < REFRESH_MAX; i++)
        if (store->places[i].expires != 0 && store->places[i].expires <= now)
            forget(&store->places[i]);
}

/* A free place; where an owner or the store has its fill, its oldest value makes room. */
static struct outstanding *make_room(struct refresh_store *store, size_t owner)
{
    struct outstanding *free_place = NULL, *oldest = NULL, *oldest_own = NULL;
    size_t own = 0;

    for (size_t i = 0; i < REFRESH_MAX; i++) {
        struct outstanding *place = &store->places[i];

        if (place->expires == 0) {
            free_place = place;
            continue;
        }
        if (oldest == NULL || place->number < oldest->number)
            oldest = place;
        if (place->owner != owner)
            continue;
        own++;
        if (oldest_own == NULL || place->number < oldest_own->number)
            oldest_own = place;
    }
    if (own >= REFRESH_MAX_OF_ONE)
        return oldest_own;
    return free_place != NULL ? free_place : oldest;
}

static bool make_identity(char identity[REFRESH_IDENTITY_SIZE])
{
    unsigned char random[16];

    if (RAND_bytes(random, sizeof(random)) <= 0)
        return false;
    (void)snprintf(identity, REFRESH_IDENTITY_SIZE, "e2e-");
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(identity + 4 + 2 * i, 3, "%02x", random[i]);
    return true;
}

bool refresh_store_add(struct refresh_store *store, size_t owner,
                       const unsigned char key[E2E_KEY_LENGTH],
                       char identity[REFRESH_IDENTITY_SIZE])
{
    struct outstanding *place;

    if (!make_identity(identity))
        return false;
    (void)pthread_mutex_lock(&store->lock);
    forget_expired(store);
    place = make_room(store, owner);
    place->expires = clock_ms() + store->lifetime;
    place->number = store->given++;
    place->owner = owner;
    memcpy(place->identity, identity, REFRESH_IDENTITY_SIZE);
    memcpy(place->key, key, E2E_KEY_LENGTH);
    (void)pthread_mutex_unlock(&store->lock);
    return true;
}

static struct outstanding *find(struct refresh_store *store, const char *identity)
{
    forget_expired(store);
    for (size_t i = 0; i < REFRESH_MAX; i++)
        if (store->places[i].expires != 0 && strcmp(store->places[i].identity, identity) == 0)
            return &store->places[i];
    return NULL;
}

bool refresh_store_find(struct refresh_store *store, const char *identity,
                        unsigned char key[E2E_KEY_LENGTH])
{
    const struct outstanding *place;

    (void)pthread_mutex_lock(&store->lock);
    place = find(store, identity);
    if (place != NULL)
        memcpy(key, place->key, E2E_KEY_LENGTH);
    (void)pthread_mutex_unlock(&store->lock);
    return place != NULL;
}

bool refresh_store_take(struct refresh_store *store, const char *identity)
{
    struct outstanding *place;
    bool taken;

    (void)pthread_mutex_lock(&store->lock);
    place = find(store, identity);
    taken = place != NULL;
    if (taken)
        forget(place);
    (void)pthread_mutex_unlock(&store->lock);
    return taken;
}
