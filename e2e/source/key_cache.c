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
    enum key_system system;
    const char *identity; /* follows the structure, but while it is looked for */
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
    const struct item *a = one, *b = other;

    return a->system != b->system ? (int)a->system - (int)b->system
                                  : strcmp(a->identity, b->identity);
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
    OPENSSL_clear_free(item, size_of(item->identity));
}

static struct item *find(struct table *table, enum key_system system, const char *identity)
{
    const struct item wanted = {.system = system, .identity = identity};
    struct item *const *found = tfind(&wanted, &table->tree, compare);

    return found == NULL ? NULL : *found;
}

static void forget(struct table *table, enum key_system system, const char *identity)
{
    struct item *item = find(table, system, identity);

    if (item != NULL)
        discard(table, item);
}

/* Out of memory, nothing is kept: the operator is asked again. */
static void keep(struct table *table, const struct item *what)
{
    const size_t length = strlen(what->identity) + 1;
    struct item *item = OPENSSL_malloc(size_of(what->identity));

    if (item == NULL)
        return;
    if (table->count == table->max)
        discard(table, TAILQ_LAST(&table->items, items));
    *item = *what;
    item->identity = memcpy(item + 1, what->identity, length);
    if (tsearch(item, &table->tree, compare) == NULL) {
        OPENSSL_clear_free(item, size_of(what->identity));
        return;
    }
    TAILQ_INSERT_HEAD(&table->items, item, place);
    table->count++;
}

static void sweep(struct table *table, int64_t now)
{
    struct item *item = TAILQ_FIRST(&table->items), *next;

    for (; item != NULL; item = next) {
        next = TAILQ_NEXT(item, place);
        if (now >= item->until)
            discard(table, item);
    }
}

/* The wall clock may have been set since it was kept. */
static bool is_over(const struct item *item, int64_t now)
{
    const int64_t end = item->answer.not_after;

    return now >= item->until || (end != 0 && end < (int64_t)time(NULL));
}

/* An item that is there and has not come to its end. */
static struct item *use(struct table *table, enum key_system system, const char *identity,
                        int64_t now)
{
    struct item *item = find(table, system, identity);

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

enum key_cached key_cache_find(struct key_cache *cache, enum key_system system,
                               const char *identity, int64_t now, struct key_answer *answer)
{
    const struct item *item = use(&cache->keys, system, identity, now);

    if (item != NULL) {
        *answer = item->answer;
        return CACHE_HIT;
    }
    item = use(&cache->nos, system, identity, now);
    return item == NULL ? CACHE_MISS : item->kind;
}

void key_cache_keep(struct key_cache *cache, enum key_system system, const char *identity,
                    const struct key_answer *answer, int64_t until)
{
    struct item item = {.system = system,
                        .identity = identity,
                        .kind = CACHE_HIT,
                        .until = until,
                        .answer = *answer};

    key_cache_forget(cache, system, identity);
    keep(&cache->keys, &item);
    OPENSSL_cleanse(&item, sizeof(item));
}

void key_cache_keep_no(struct key_cache *cache, enum key_system system, const char *identity,
                       enum key_cached no, int64_t until)
{
    const struct item item = {.system = system, .identity = identity, .kind = no, .until = until};

    key_cache_forget(cache, system, identity);
    keep(&cache->nos, &item);
}

void key_cache_forget(struct key_cache *cache, enum key_system system, const char *identity)
{
    forget(&cache->keys, system, identity);
    forget(&cache->nos, system, identity);
}

void key_cache_sweep(struct key_cache *cache, int64_t now)
{
    sweep(&cache->keys, now);
    sweep(&cache->nos, now);
}
