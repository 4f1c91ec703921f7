/*
 * The rows that keys and connections may depend on: those for which a third party has issued flags
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_rests.h"

#include "queue.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define BUCKETS 65536 /* a power of 2 */

struct entry {
    LIST_ENTRY(entry) of_bucket;
    TAILQ_ENTRY(entry) of_all, of_age;
    int64_t version;
    int64_t added;     /* clock_ms(), the last time */
    uint64_t round;    /* in which it was gone through last */
    const char *ka_id; /* behind the device */
    char device[];
};

struct ka_rests {
    LIST_HEAD(bucket, entry) buckets[BUCKETS];
    TAILQ_HEAD(, entry) all;  /* those of this round are at the end */
    TAILQ_HEAD(, entry) ages; /* the oldest is first */
    size_t count, max;
    uint64_t round, seed;
    int64_t life, forgotten_until; /* until then something may rest on one that was forgotten */
};

struct ka_rests *ka_rests_new(size_t max, int64_t life)
{
    struct ka_rests *rests = OPENSSL_zalloc(sizeof(*rests));

    if (rests == NULL || RAND_bytes((unsigned char *)&rests->seed, sizeof(rests->seed)) <= 0) {
        OPENSSL_free(rests);
        return NULL;
    }
    rests->max = max;
    rests->life = life;
    TAILQ_INIT(&rests->all);
    TAILQ_INIT(&rests->ages);
    return rests;
}

static uint64_t add_text(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++)
        sum = (sum ^ (unsigned char)*text) * 1099511628211U; /* FNV-1a */
    return sum;
}

static struct bucket *bucket_of(struct ka_rests *rests, const char *device, const char *ka_id)
{
    uint64_t sum = add_text(add_text(rests->seed, device) + 1, ka_id);

    return &rests->buckets[(sum ^ sum >> 32) % BUCKETS];
}

static struct entry *find(struct ka_rests *rests, const char *device, const char *ka_id)
{
    struct entry *entry;

    LIST_FOREACH(entry, bucket_of(rests, device, ka_id), of_bucket)
    {
        if (strcmp(entry->device, device) == 0 && strcmp(entry->ka_id, ka_id) == 0)
            break;
    }
    return entry;
}

static void forget(struct ka_rests *rests, struct entry *entry)
{
    LIST_REMOVE(entry, of_bucket);
    TAILQ_REMOVE(&rests->all, entry, of_all);
    TAILQ_REMOVE(&rests->ages, entry, of_age);
    rests->count--;
    OPENSSL_free(entry);
}

static bool insert(struct ka_rests *rests, const struct ka_rest *rest, int64_t now)
{
    const size_t device = strlen(rest->device) + 1, ka_id = strlen(rest->ka_id) + 1;
    struct entry *entry = OPENSSL_zalloc(sizeof(*entry) + device + ka_id);

    if (entry == NULL)
        return false;
    memcpy(entry->device, rest->device, device);
    entry->ka_id = memcpy(entry->device + device, rest->ka_id, ka_id);
    entry->version = rest->version;
    entry->added = now;
    entry->round = rests->round;
    LIST_INSERT_HEAD(bucket_of(rests, rest->device, rest->ka_id), entry, of_bucket);
    TAILQ_INSERT_TAIL(&rests->all, entry, of_all);
    TAILQ_INSERT_TAIL(&rests->ages, entry, of_age);
    rests->count++;
    return true;
}

static void forget_oldest(struct ka_rests *rests)
{
    struct entry *oldest = TAILQ_FIRST(&rests->ages);
    const int64_t until = rests->life == 0 ? INT64_MAX : oldest->added + rests->life;

    if (until > rests->forgotten_until)
        rests->forgotten_until = until;
    forget(rests, oldest);
}

bool ka_rests_add(struct ka_rests *rests, const struct ka_rest *rest, int64_t now, bool *replaced)
{
    struct entry *known = find(rests, rest->device, rest->ka_id);

    *replaced = known != NULL && known->version != rest->version;
    if (known != NULL) {
        known->version = rest->version;
        known->added = now;
        TAILQ_REMOVE(&rests->ages, known, of_age);
        TAILQ_INSERT_TAIL(&rests->ages, known, of_age);
        return true;
    }
    if (rests->count == rests->max)
        forget_oldest(rests);
    return insert(rests, rest, now);
}

void ka_rests_remove(struct ka_rests *rests, const char *device, const char *ka_id)
{
    struct entry *entry = find(rests, device, ka_id);

    if (entry != NULL)
        forget(rests, entry);
}

bool ka_rests_has_forgotten(const struct ka_rests *rests, int64_t now)
{
    return now < rests->forgotten_until;
}

void ka_rests_clear(struct ka_rests *rests)
{
    while (!TAILQ_EMPTY(&rests->all))
        forget(rests, TAILQ_FIRST(&rests->all));
    rests->forgotten_until = 0;
}

void ka_rests_begin(struct ka_rests *rests)
{
    rests->round++;
}

size_t ka_rests_next(struct ka_rests *rests, struct ka_rest *next, size_t max)
{
    struct entry *entry;
    size_t count = 0;

    while (count < max && (entry = TAILQ_FIRST(&rests->all)) != NULL &&
           entry->round != rests->round) {
        TAILQ_REMOVE(&rests->all, entry, of_all);
        TAILQ_INSERT_TAIL(&rests->all, entry, of_all);
        entry->round = rests->round;
        next[count++] = (struct ka_rest){entry->device, entry->ka_id, entry->version};
    }
    return count;
}

void ka_rests_free(struct ka_rests *rests)
{
    if (rests != NULL)
        ka_rests_clear(rests);
    OPENSSL_free(rests);
}
