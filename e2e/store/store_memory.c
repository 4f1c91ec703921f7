/*
 * The store of outstanding e2e keys in this process's memory
 *
 * A record is in two places: in a table by its identity, and in the list of the NAF that asked for
 * it, oldest first, which serves the bounds. There is one lock, since an operation takes
 * microseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "queue.h"
#include "store/store.h"

#include "net/clock.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#define BUCKETS 4096 /* a power of 2 */

struct entry {
    TAILQ_ENTRY(entry) of_naf;
    LIST_ENTRY(entry) of_bucket, of_device, of_subject;
    struct naf *naf;
    int64_t expires; /* clock_ms() */
    struct store_record record;
};

TAILQ_HEAD(entries, entry);

/* A NAF that has asked: as many as there are certificates for. */
struct naf {
    LIST_ENTRY(naf) next;
    struct entries entries;
    size_t count;
    char name[STORE_TEXT_SIZE];
};

struct memory {
    struct store store;
    pthread_mutex_t lock;
    LIST_HEAD(, naf) nafs;
    LIST_HEAD(bucket, entry) buckets[BUCKETS];
    struct bucket devices[BUCKETS], subjects[BUCKETS]; /* for revocations */
};

/* Identities are random; an attacker who could choose other texts of one bucket has at most
 * STORE_MAX there. */
static size_t bucket_of(const char *text)
{
    size_t sum = 0;

    for (; *text != '\0'; text++)
        sum = sum * 31 + (unsigned char)*text;
    return sum % BUCKETS;
}

static void forget(struct entry *entry)
{
    TAILQ_REMOVE(&entry->naf->entries, entry, of_naf);
    LIST_REMOVE(entry, of_bucket);
    LIST_REMOVE(entry, of_device);
    LIST_REMOVE(entry, of_subject);
    entry->naf->count--;
    OPENSSL_clear_free(entry, sizeof(*entry));
}

/* The lifetime is checked by the monotonic clock, the end of the 3GPP key by the system's clock. */
static bool is_over(const struct entry *entry, int64_t now)
{
    const int64_t end = entry->record.not_after;

    return entry->expires <= now || (end != 0 && end < (int64_t)time(NULL));
}

static struct naf *find_naf(struct memory *memory, const char *name)
{
    struct naf *naf;

    LIST_FOREACH(naf, &memory->nafs, next)
    {
        if (strcmp(naf->name, name) == 0)
            return naf;
    }
    naf = OPENSSL_zalloc(sizeof(*naf));
    if (naf == NULL)
        return NULL;
    TAILQ_INIT(&naf->entries);
    memcpy(naf->name, name, strlen(name) + 1);
    LIST_INSERT_HEAD(&memory->nafs, naf, next);
    return naf;
}

/*
 * Make room for one more record of a device: drop what is too old, then the device's oldest record
 * if it has the maximum. With an anonymous 3GPP key anybody can name any device, so drop a record
 * of the same subject first.
 */
static void make_room(struct naf *naf, const struct store_record *record)
{
    const int64_t now = clock_ms();
    struct entry *entry, *next, *oldest = NULL, *own = NULL;
    size_t count = 0;

    for (entry = TAILQ_FIRST(&naf->entries); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, of_naf);
        if (is_over(entry, now)) {
            forget(entry);
        } else if (strcmp(entry->record.device, record->device) == 0) {
            oldest = oldest == NULL ? entry : oldest;
            if (own == NULL && strcmp(entry->record.subject, record->subject) == 0)
                own = entry;
            count++;
        }
    }
    if (count >= STORE_MAX_OF_DEVICE)
        forget(own == NULL ? oldest : own);
    else if (naf->count >= STORE_MAX)
        forget(TAILQ_FIRST(&naf->entries));
}

static bool add(struct memory *memory, const struct store_record *record)
{
    struct naf *naf = find_naf(memory, record->naf);
    struct entry *entry = naf == NULL ? NULL : OPENSSL_zalloc(sizeof(*entry));

    if (entry == NULL)
        return false;
    make_room(naf, record);
    entry->naf = naf;
    entry->expires = clock_ms() + record->lifetime;
    entry->record = *record;
    TAILQ_INSERT_TAIL(&naf->entries, entry, of_naf);
    LIST_INSERT_HEAD(&memory->buckets[bucket_of(record->identity)], entry, of_bucket);
    LIST_INSERT_HEAD(&memory->devices[bucket_of(record->device)], entry, of_device);
    LIST_INSERT_HEAD(&memory->subjects[bucket_of(record->subject)], entry, of_subject);
    naf->count++;
    return true;
}

static struct store_request *memory_put(struct store *store, struct loop *loop,
                                        const struct store_record *record, store_done *done,
                                        void *argument, struct store_answer *now)
{
    struct memory *memory = (struct memory *)store;
    bool added;

    (void)loop, (void)done, (void)argument;
    (void)pthread_mutex_lock(&memory->lock);
    added = add(memory, record);
    (void)pthread_mutex_unlock(&memory->lock);
    store_answer_set(now, added ? STORE_OK : STORE_UNAVAILABLE, added ? NULL : "out of memory");
    return NULL;
}

/* Copy a record that exists and is not too old; consumed: remove it. */
static bool find(struct memory *memory, const char *identity, bool consumed,
                 struct store_record *found)
{
    struct entry *entry;
    bool in_time = false;

    (void)pthread_mutex_lock(&memory->lock);
    LIST_FOREACH(entry, &memory->buckets[bucket_of(identity)], of_bucket)
    {
        if (strcmp(entry->record.identity, identity) == 0)
            break;
    }
    if (entry != NULL) {
        in_time = !is_over(entry, clock_ms());
        if (in_time)
            *found = entry->record;
        if (consumed || !in_time)
            forget(entry);
    }
    (void)pthread_mutex_unlock(&memory->lock);
    return in_time;
}

static struct store_request *memory_get(struct store *store, struct loop *loop,
                                        const char *identity, store_done *done, void *argument,
                                        struct store_answer *now)
{
    const bool found = find((struct memory *)store, identity, false, &now->record);

    (void)loop, (void)done, (void)argument;
    store_answer_set(now, found ? STORE_OK : STORE_UNKNOWN, NULL);
    return NULL;
}

static struct store_request *memory_consume(struct store *store, struct loop *loop,
                                            const char *identity, store_done *done, void *argument,
                                            struct store_answer *now)
{
    const bool found = find((struct memory *)store, identity, true, &now->record);

    (void)loop, (void)done, (void)argument;
    store_answer_set(now, found ? STORE_OK : STORE_UNKNOWN, NULL);
    return NULL;
}

static bool agrees(const char *wanted, const char *text)
{
    return wanted == NULL || strcmp(wanted, text) == 0;
}

static bool is_meant(const struct store_scope *scope, const struct store_record *record)
{
    return agrees(scope->device, record->device) && agrees(scope->ka_id, record->ka_id) &&
           agrees(scope->subject, record->subject) && agrees(scope->naf, record->naf);
}

/* All NAFs' records: neither device nor subject says where to look. */
static void revoke_everywhere(struct memory *memory, const struct store_scope *scope)
{
    struct entry *entry, *next;
    struct naf *naf;

    LIST_FOREACH(naf, &memory->nafs, next)
    {
        for (entry = TAILQ_FIRST(&naf->entries); entry != NULL; entry = next) {
            next = TAILQ_NEXT(entry, of_naf);
            if (is_meant(scope, &entry->record))
                forget(entry);
        }
    }
}

static void revoke(struct memory *memory, const struct store_scope *scope)
{
    struct entry *entry, *next;

    if (scope->device != NULL) {
        for (entry = LIST_FIRST(&memory->devices[bucket_of(scope->device)]); entry != NULL;
             entry = next) {
            next = LIST_NEXT(entry, of_device);
            if (is_meant(scope, &entry->record))
                forget(entry);
        }
    } else if (scope->subject != NULL) {
        for (entry = LIST_FIRST(&memory->subjects[bucket_of(scope->subject)]); entry != NULL;
             entry = next) {
            next = LIST_NEXT(entry, of_subject);
            if (is_meant(scope, &entry->record))
                forget(entry);
        }
    } else {
        revoke_everywhere(memory, scope);
    }
}

static struct store_request *memory_revoke(struct store *store, struct loop *loop,
                                           const struct store_scope *scope, store_done *done,
                                           void *argument, struct store_answer *now)
{
    struct memory *memory = (struct memory *)store;

    (void)loop, (void)done, (void)argument;
    (void)pthread_mutex_lock(&memory->lock);
    revoke(memory, scope);
    (void)pthread_mutex_unlock(&memory->lock);
    store_answer_set(now, STORE_OK, NULL);
    return NULL;
}

static void memory_cancel(struct store *store, struct store_request *request)
{
    (void)store, (void)request; /* no request is ever pending */
}

static void memory_free(struct store *store)
{
    struct memory *memory = (struct memory *)store;

    while (!LIST_EMPTY(&memory->nafs)) {
        struct naf *naf = LIST_FIRST(&memory->nafs);

        while (!TAILQ_EMPTY(&naf->entries))
            forget(TAILQ_FIRST(&naf->entries));
        LIST_REMOVE(naf, next);
        OPENSSL_free(naf);
    }
    (void)pthread_mutex_destroy(&memory->lock);
    OPENSSL_free(memory);
}

static const struct store_ops memory_ops = {
    memory_put, memory_get, memory_consume, memory_revoke, memory_cancel, NULL, memory_free};

struct store *store_memory_new(void)
{
    struct memory *memory = OPENSSL_zalloc(sizeof(*memory));

    if (memory == NULL)
        return NULL;
    memory->store.ops = &memory_ops;
    (void)pthread_mutex_init(&memory->lock, NULL);
    return &memory->store;
}
