/*
 * How many of each: connections of a device, unfinished handshakes of a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/conn_limit.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#define BUCKETS 4096

struct entry {
    LIST_ENTRY(entry) next;
    unsigned int count;
    size_t length;
    unsigned char key[];
};

LIST_HEAD(bucket, entry);

struct conn_limit {
    pthread_mutex_t lock;
    unsigned int max;
    unsigned int seed; /* so that nobody can choose keys of one bucket */
    struct bucket buckets[BUCKETS];
};

struct conn_limit *conn_limit_new(unsigned int max)
{
    struct conn_limit *limit = OPENSSL_zalloc(sizeof(*limit));

    if (limit == NULL)
        return NULL;
    (void)RAND_bytes((unsigned char *)&limit->seed, sizeof(limit->seed));
    (void)pthread_mutex_init(&limit->lock, NULL);
    limit->max = max;
    return limit;
}

/* FNV-1a, from a seed. */
static struct bucket *bucket_of(struct conn_limit *limit, const unsigned char *key, size_t length)
{
    unsigned int sum = 2166136261U ^ limit->seed;

    for (size_t i = 0; i < length; i++)
        sum = (sum ^ key[i]) * 16777619U;
    return &limit->buckets[(sum ^ sum >> 16) % BUCKETS];
}

static struct entry *find(struct bucket *bucket, const void *key, size_t length)
{
    struct entry *entry;

    LIST_FOREACH(entry, bucket, next)
    {
        if (entry->length == length && memcmp(entry->key, key, length) == 0)
            break;
    }
    return entry;
}

static struct entry *add(struct bucket *bucket, const void *key, size_t length)
{
    struct entry *entry = OPENSSL_zalloc(sizeof(*entry) + length);

    if (entry == NULL)
        return NULL;
    entry->length = length;
    memcpy(entry->key, key, length);
    LIST_INSERT_HEAD(bucket, entry, next);
    return entry;
}

bool conn_limit_acquire(struct conn_limit *limit, const void *key, size_t length)
{
    struct bucket *bucket = bucket_of(limit, key, length);
    struct entry *entry;
    bool taken;

    (void)pthread_mutex_lock(&limit->lock);
    entry = find(bucket, key, length);
    if (entry == NULL)
        entry = add(bucket, key, length);
    taken = entry != NULL && entry->count < limit->max;
    if (taken)
        entry->count++;
    (void)pthread_mutex_unlock(&limit->lock);
    return taken;
}

void conn_limit_release(struct conn_limit *limit, const void *key, size_t length)
{
    struct entry *entry;

    (void)pthread_mutex_lock(&limit->lock);
    entry = find(bucket_of(limit, key, length), key, length);
    if (entry != NULL && --entry->count == 0) {
        LIST_REMOVE(entry, next);
        OPENSSL_free(entry);
    }
    (void)pthread_mutex_unlock(&limit->lock);
}

void conn_limit_free(struct conn_limit *limit)
{
    if (limit == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (!LIST_EMPTY(&limit->buckets[i])) {
            struct entry *entry = LIST_FIRST(&limit->buckets[i]);

            LIST_REMOVE(entry, next);
            OPENSSL_free(entry);
        }
    (void)pthread_mutex_destroy(&limit->lock);
    OPENSSL_free(limit);
}
