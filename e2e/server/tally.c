/*
 * How many of each: connections of a device, unfinished handshakes of a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/tally.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS 4096

struct entry {
    LIST_ENTRY(entry) next;
    unsigned int count;
    size_t length;
    unsigned char key[];
};

LIST_HEAD(bucket, entry);

struct tally {
    pthread_mutex_t lock;
    unsigned int max;
    unsigned int seed; /* so that nobody can choose keys of one bucket */
    struct bucket buckets[BUCKETS];
};

struct tally *tally_new(unsigned int max)
{
    struct tally *tally = OPENSSL_zalloc(sizeof(*tally));

    if (tally == NULL)
        return NULL;
    (void)RAND_bytes((unsigned char *)&tally->seed, sizeof(tally->seed));
    (void)pthread_mutex_init(&tally->lock, NULL);
    tally->max = max;
    return tally;
}

/* FNV-1a, from a seed. */
static struct bucket *bucket_of(struct tally *tally, const unsigned char *key, size_t length)
{
    unsigned int sum = 2166136261U ^ tally->seed;

    for (size_t i = 0; i < length; i++)
        sum = (sum ^ key[i]) * 16777619U;
    return &tally->buckets[(sum ^ sum >> 16) % BUCKETS];
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

bool tally_take(struct tally *tally, const void *key, size_t length)
{
    struct bucket *bucket = bucket_of(tally, key, length);
    struct entry *entry;
    bool taken;

    (void)pthread_mutex_lock(&tally->lock);
    entry = find(bucket, key, length);
    if (entry == NULL)
        entry = add(bucket, key, length);
    taken = entry != NULL && entry->count < tally->max;
    if (taken)
        entry->count++;
    (void)pthread_mutex_unlock(&tally->lock);
    return taken;
}

void tally_drop(struct tally *tally, const void *key, size_t length)
{
    struct entry *entry;

    (void)pthread_mutex_lock(&tally->lock);
    entry = find(bucket_of(tally, key, length), key, length);
    if (entry != NULL && --entry->count == 0) {
        LIST_REMOVE(entry, next);
        OPENSSL_free(entry);
    }
    (void)pthread_mutex_unlock(&tally->lock);
}

void tally_free(struct tally *tally)
{
    if (tally == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (!LIST_EMPTY(&tally->buckets[i])) {
            struct entry *entry = LIST_FIRST(&tally->buckets[i]);

            LIST_REMOVE(entry, next);
            OPENSSL_free(entry);
        }
    (void)pthread_mutex_destroy(&tally->lock);
    OPENSSL_free(tally);
}
