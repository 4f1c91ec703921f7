/*
 * Which row of an identity counts: its last one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_last.h"

#include "dedup.h"
#include "line_reader.h"

#include <openssl/crypto.h>
#include <string.h>

#define AHEAD      16U /* rows between the one that is added and the one that is looked for */
#define CHECK_MASK 0xFFFFFFU
#define CHECK_BITS 24    /* of a second hash, which distinguishes two identities with one hash */
#define FIRST_SIZE 1024U /* repeated identities; a power of two */

/* An identity with several rows. */
struct repeated {
    uint64_t hash;       /* 0: free */
    uint64_t line_check; /* the line of its last row, then the check */
};

struct psk_last {
    struct dedup *dedup, *check;
    struct repeated *slots; /* open addressing; NULL: no identity has come again */
    size_t capacity, count;
};

/* A row on its way into the set. */
struct coming {
    uint64_t hash, line_check;
};

struct psk_last *psk_last_new(uint64_t rows)
{
    struct psk_last *last = OPENSSL_zalloc(sizeof(*last));

    if (last == NULL)
        return NULL;
    last->dedup = dedup_new();
    last->check = dedup_new(); /* for its secret: no row is added to it */
    if (last->dedup != NULL && last->check != NULL) {
        dedup_reserve(last->dedup, rows);
        return last;
    }
    psk_last_free(last);
    return NULL;
}

void psk_last_free(struct psk_last *last)
{
    if (last == NULL)
        return;
    dedup_free(last->dedup);
    dedup_free(last->check);
    OPENSSL_free(last->slots);
    OPENSSL_free(last);
}

/* Where a hash is, or would be; there is a free slot. */
static struct repeated *find(struct repeated *slots, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);

    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct psk_last *last)
{
    const size_t capacity = last->capacity == 0 ? FIRST_SIZE : 2 * last->capacity;
    struct repeated *slots = OPENSSL_zalloc(capacity * sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < last->capacity; i++)
        if (last->slots[i].hash != 0)
            *find(slots, capacity, last->slots[i].hash) = last->slots[i];
    OPENSSL_free(last->slots);
    last->slots = slots;
    last->capacity = capacity;
    return true;
}

static bool add(struct psk_last *last, const struct coming *row)
{
    const enum dedup_result result = dedup_add(last->dedup, row->hash);
    struct repeated *slot;

    if (result != DEDUP_DUPLICATE)
        return result == DEDUP_NEW;
    if (4 * last->count >= 3 * last->capacity && !grow(last))
        return false;
    slot = find(last->slots, last->capacity, row->hash);
    last->count += slot->hash == 0;
    *slot = (struct repeated){row->hash, row->line_check};
    return true;
}

static uint64_t line_check(const struct psk_last *last, const void *identity, size_t length,
                           size_t line)
{
    return (uint64_t)line << CHECK_BITS | (dedup_hash(last->check, identity, length) & CHECK_MASK);
}

/* The field of this number; NULL: the line has fewer. */
static const char *find_field(const char *line, size_t *length, size_t number)
{
    const char *const end = line + *length, *comma;

    for (; number > 0; number--) {
        comma = memchr(line, ',', (size_t)(end - line));
        if (comma == NULL)
            return NULL;
        line = comma + 1;
    }
    comma = memchr(line, ',', (size_t)(end - line));
    *length = (size_t)((comma == NULL ? end : comma) - line);
    return line;
}

bool psk_last_add(struct psk_last *last, size_t field, char *block, size_t length, size_t *before)
{
    struct coming rows[AHEAD];
    size_t came = 0, added = 0, left = length;
    bool done = true;
    char *line;

    while (line_next(&block, &left, &line, &length)) {
        const char *identity = find_field(line, &length, field);

        ++*before;
        if (identity == NULL)
            continue;
        if (came - added == AHEAD)
            done = done && add(last, &rows[added++ % AHEAD]);
        rows[came % AHEAD] =
            (struct coming){.hash = dedup_hash(last->dedup, identity, length),
                            .line_check = line_check(last, identity, length, *before)};
        dedup_prefetch(last->dedup, rows[came++ % AHEAD].hash);
    }
    while (added < came)
        done = done && add(last, &rows[added++ % AHEAD]);
    return done;
}

enum psk_last_result psk_last_is(const struct psk_last *last, const void *identity, size_t length,
                                 size_t line)
{
    const struct repeated *slot;
    uint64_t wanted;

    if (last->count == 0)
        return PSK_LAST_YES;
    slot = find(last->slots, last->capacity, dedup_hash(last->dedup, identity, length));
    if (slot->hash == 0)
        return PSK_LAST_YES;
    wanted = line_check(last, identity, length, line);
    if (((wanted ^ slot->line_check) & CHECK_MASK) != 0)
        return PSK_LAST_UNSURE;
    return wanted == slot->line_check ? PSK_LAST_YES : PSK_LAST_NO;
}
