/*
 * The rows that keys and connections may depend on: those for which a third party has issued flags
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_used_rows.h"

#include "queue.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define BUCKETS 65536 /* a power of 2 */

struct entry {
    LIST_ENTRY(entry) of_bucket;
    TAILQ_ENTRY(entry) of_all, of_age;
    int64_t version;
    int64_t added;     /* clock_ms() of the last time */
    uint64_t round;    /* of the iteration that returned it last */
    const char *ka_id; /* behind the device */
    char device[];
};

struct ka_used_rows {
    LIST_HEAD(bucket, entry) buckets[BUCKETS];
    TAILQ_HEAD(, entry) all;  /* those that this round has returned are at the end */
    TAILQ_HEAD(, entry) ages; /* the oldest is first */
    size_t count, max;
    uint64_t round, seed;
    int64_t life, forgotten_until; /* until then something may depend on a forgotten row */
};

struct ka_used_rows *ka_used_rows_new(size_t max, int64_t life)
{
    struct ka_used_rows *rows = OPENSSL_zalloc(sizeof(*rows));

    if (rows == NULL || RAND_bytes((unsigned char *)&rows->seed, sizeof(rows->seed)) <= 0) {
        OPENSSL_free(rows);
        return NULL;
    }
    rows->max = max;
    rows->life = life;
    TAILQ_INIT(&rows->all);
    TAILQ_INIT(&rows->ages);
    return rows;
}

static uint64_t add_text(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++)
        sum = (sum ^ (unsigned char)*text) * 1099511628211U; /* FNV-1a */
    return sum;
}

static struct bucket *bucket_of(struct ka_used_rows *rows, const char *device, const char *ka_id)
{
    uint64_t sum = add_text(add_text(rows->seed, device) + 1, ka_id);

    return &rows->buckets[(sum ^ sum >> 32) % BUCKETS];
}

static struct entry *find(struct ka_used_rows *rows, const char *device, const char *ka_id)
{
    struct entry *entry;

    LIST_FOREACH(entry, bucket_of(rows, device, ka_id), of_bucket)
    {
        if (strcmp(entry->device, device) == 0 && strcmp(entry->ka_id, ka_id) == 0)
            break;
    }
    return entry;
}

static void forget(struct ka_used_rows *rows, struct entry *entry)
{
    LIST_REMOVE(entry, of_bucket);
    TAILQ_REMOVE(&rows->all, entry, of_all);
    TAILQ_REMOVE(&rows->ages, entry, of_age);
    rows->count--;
    OPENSSL_free(entry);
}

static bool insert(struct ka_used_rows *rows, const struct ka_used_row *row, int64_t now)
{
    const size_t device = strlen(row->device) + 1, ka_id = strlen(row->ka_id) + 1;
    struct entry *entry = OPENSSL_zalloc(sizeof(*entry) + device + ka_id);

    if (entry == NULL)
        return false;
    memcpy(entry->device, row->device, device);
    entry->ka_id = memcpy(entry->device + device, row->ka_id, ka_id);
    entry->version = row->version;
    entry->added = now;
    entry->round = rows->round;
    LIST_INSERT_HEAD(bucket_of(rows, row->device, row->ka_id), entry, of_bucket);
    TAILQ_INSERT_TAIL(&rows->all, entry, of_all);
    TAILQ_INSERT_TAIL(&rows->ages, entry, of_age);
    rows->count++;
    return true;
}

static void forget_oldest(struct ka_used_rows *rows)
{
    struct entry *oldest = TAILQ_FIRST(&rows->ages);
    const int64_t until = rows->life == 0 ? INT64_MAX : oldest->added + rows->life;

    if (until > rows->forgotten_until)
        rows->forgotten_until = until;
    forget(rows, oldest);
}

bool ka_used_rows_add(struct ka_used_rows *rows, const struct ka_used_row *row, int64_t now,
                      bool *replaced)
{
    struct entry *known = find(rows, row->device, row->ka_id);

    *replaced = known != NULL && known->version != row->version;
    if (known != NULL) {
        known->version = row->version;
        known->added = now;
        TAILQ_REMOVE(&rows->ages, known, of_age);
        TAILQ_INSERT_TAIL(&rows->ages, known, of_age);
        return true;
    }
    if (rows->count == rows->max)
        forget_oldest(rows);
    return insert(rows, row, now);
}

void ka_used_rows_remove(struct ka_used_rows *rows, const char *device, const char *ka_id)
{
    struct entry *entry = find(rows, device, ka_id);

    if (entry != NULL)
        forget(rows, entry);
}

bool ka_used_rows_has_forgotten(const struct ka_used_rows *rows, int64_t now)
{
    return now < rows->forgotten_until;
}

void ka_used_rows_clear(struct ka_used_rows *rows)
{
    while (!TAILQ_EMPTY(&rows->all))
        forget(rows, TAILQ_FIRST(&rows->all));
    rows->forgotten_until = 0;
}

void ka_used_rows_begin(struct ka_used_rows *rows)
{
    rows->round++;
}

size_t ka_used_rows_next(struct ka_used_rows *rows, struct ka_used_row *next, size_t max)
{
    struct entry *entry;
    size_t count = 0;

    while (count < max && (entry = TAILQ_FIRST(&rows->all)) != NULL &&
           entry->round != rows->round) {
        TAILQ_REMOVE(&rows->all, entry, of_all);
        TAILQ_INSERT_TAIL(&rows->all, entry, of_all);
        entry->round = rows->round;
        next[count++] = (struct ka_used_row){entry->device, entry->ka_id, entry->version};
    }
    return count;
}

void ka_used_rows_free(struct ka_used_rows *rows)
{
    if (rows != NULL)
        ka_used_rows_clear(rows);
    OPENSSL_free(rows);
}
