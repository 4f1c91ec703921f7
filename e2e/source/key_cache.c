/*
 * What the operator has answered: keys until their end, and for some seconds the identities that
 * have none
 *
 * A table is a search tree, which nobody can degrade by choosing identities, and a list from the
 * item used last to the one used longest ago.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_cache.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <search.h>
#include <string.h>
#include <time.h>

struct item {
    TAILQ_ENTRY(item) place;
    struct key_wanted wanted; /* its identity follows the structure, but in a search */
    enum key_cached kind;
    int64_t until;
    struct key_answer answer; /* CACHE_HIT */
};

struct table {
    void *tree;
    TAILQ_HEAD(items, item) items; /* the one used last first */
    size_t count, max;
};

struct key_cache {
    struct table keys, nos;
};

static int compare(const void *one, const void *other)
{
    return key_wanted_compare(&((const struct item *)one)->wanted,
                              &((const struct item *)other)->wanted);
}

static int compare_owners(const void *one, const void *other)
{
    return key_wanted_compare_owners(&((const struct item *)one)->wanted,
                                     &((const struct item *)other)->wanted);
}

static size_t size_of(const char *identity)
{
    return sizeof(struct item) + strlen(identity) + 1;
}

static void discard(struct table *table, struct item *item)
{
    (void)tdelete(item, &table->tree, compare);
    TAILQ_REMOVE(&table->items, item, place);
    table->count--;
    OPENSSL_clear_free(item, size_of(item->wanted.identity));
}

static struct item *find(struct table *table, const struct key_wanted *wanted,
                         int (*how)(const void *one, const void *other))
{
    const struct item sought = {.wanted = *wanted};
    struct item *const *found = tfind(&sought, &table->tree, how);

    return found == NULL ? NULL : *found;
}

static void forget(struct table *table, const struct key_wanted *wanted,
                   int (*how)(const void *one, const void *other))
{
    struct item *item;

    while ((item = find(table, wanted, how)) != NULL)
        discard(table, item);
}

/* Out of memory, nothing is kept: the operator is asked again. */
static void keep(struct table *table, const struct item *what)
{
    const char *identity = what->wanted.identity;
    struct item *item = OPENSSL_malloc(size_of(identity));

    if (item == NULL)
        return;
    if (table->count == table->max)
        discard(table, TAILQ_LAST(&table->items, items));
    *item = *what;
    item->wanted.identity = memcpy(item + 1, identity, strlen(identity) + 1);
    if (tsearch(item, &table->tree, compare) == NULL) {
        OPENSSL_clear_free(item, size_of(identity));
        return;
    }
    TAILQ_INSERT_HEAD(&table->items, item, place);
    table->count++;
}

/* A key's end is by the wall clock, which may be set while it is kept. */
static bool is_over(const struct item *item, int64_t now)
{
    const int64_t end = item->answer.not_after;

    return now >= item->until || (end != 0 && end < (int64_t)time(NULL));
}

static void sweep(struct table *table, int64_t now)
{
    struct item *item = TAILQ_FIRST(&table->items), *next;

    for (; item != NULL; item = next) {
        next = TAILQ_NEXT(item, place);
        if (is_over(item, now))
            discard(table, item);
    }
}

/* An item that is there and has not come to its end. */
static struct item *use(struct table *table, const struct key_wanted *wanted, int64_t now)
{
    struct item *item = find(table, wanted, compare);

    if (item == NULL)
        return NULL;
    if (is_over(item, now)) {
        discard(table, item);
        return NULL;
    }
    TAILQ_REMOVE(&table->items, item, place);
    TAILQ_INSERT_HEAD(&table->items, item, place);
    return item;
}

static void open_table(struct table *table, size_t max)
{
    table->max = max;
    TAILQ_INIT(&table->items);
}

struct key_cache *key_cache_new(size_t keys, size_t nos)
{
    struct key_cache *cache = OPENSSL_zalloc(sizeof(*cache));

    if (cache != NULL) {
        open_table(&cache->keys, keys);
        open_table(&cache->nos, nos);
    }
    return cache;
}

void key_cache_free(struct key_cache *cache)
{
    if (cache == NULL)
        return;
    key_cache_sweep(cache, INT64_MAX);
    OPENSSL_free(cache);
}

enum key_cached key_cache_find(struct key_cache *cache, const struct key_wanted *wanted,
                               int64_t now, struct key_answer *answer)
{
    const struct item *item = use(&cache->keys, wanted, now);

    if (item != NULL) {
        *answer = item->answer;
        return CACHE_HIT;
    }
    item = use(&cache->nos, wanted, now);
    return item == NULL ? CACHE_MISS : item->kind;
}

static void replace(struct key_cache *cache, const struct key_wanted *wanted)
{
    forget(&cache->keys, wanted, compare);
    forget(&cache->nos, wanted, compare);
}

void key_cache_keep(struct key_cache *cache, const struct key_wanted *wanted,
                    const struct key_answer *answer, int64_t until)
{
    struct item item = {.wanted = *wanted, .kind = CACHE_HIT, .until = until, .answer = *answer};

    replace(cache, wanted);
    keep(&cache->keys, &item);
    OPENSSL_cleanse(&item, sizeof(item));
}

void key_cache_keep_no(struct key_cache *cache, const struct key_wanted *wanted, enum key_cached no,
                       int64_t until)
{
    const struct item item = {.wanted = *wanted, .kind = no, .until = until};

    replace(cache, wanted);
    keep(&cache->nos, &item);
}

void key_cache_forget(struct key_cache *cache, enum key_system system, const char *identity)
{
    const struct key_wanted wanted = {.system = system, .identity = identity};

    forget(&cache->keys, &wanted, compare_owners);
    forget(&cache->nos, &wanted, compare_owners);
}

void key_cache_sweep(struct key_cache *cache, int64_t now)
{
    sweep(&cache->keys, now);
    sweep(&cache->nos, now);
}
