/*
 * Which identities have been seen: open addressing in one table
 *
 * A hash's place is the same fraction of the table, whatever its size. So growing goes through old
 * and new table from front to back, and what is behind is given back to the system on the way:
 * there is memory for one table at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dedup.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE     ((size_t)2 << 20) /* octets: the system's, if it has large ones */
#define FIRST_CAPACITY (LARGE_PAGE / sizeof(uint64_t))
#define RESERVED_MAX   ((size_t)1 << 22) /* identities */

struct table {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* below 2^32 */
};

struct dedup {
    uint64_t secret[2];
    struct table table;
    size_t count;
};

static size_t table_size(size_t capacity)
{
    const size_t pages = (capacity * sizeof(uint64_t) + LARGE_PAGE - 1) / LARGE_PAGE;

    return pages * LARGE_PAGE;
}

/*
 * From the system, not the heap: zero, and given back piece by piece. A fault for each small page,
 * and looking up where they are, would cost as much as all the rest.
 */
static bool table_open(struct table *table, size_t capacity)
{
    const size_t size = table_size(capacity);
    char *slots =
        /* cppcheck-suppress invalidFunctionArg ; -1 is the descriptor of memory without a file */
        mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (slots == MAP_FAILED)
        return false;
    before = LARGE_PAGE - (uintptr_t)slots % LARGE_PAGE;
    (void)munmap(slots, before);
    slots += before;
    if (before < LARGE_PAGE)
        (void)munmap(slots + size, LARGE_PAGE - before);
    (void)madvise(slots, size, MADV_HUGEPAGE);
    *table = (struct table){(uint64_t *)(void *)slots, capacity};
    return true;
}

static void table_close(struct table *table)
{
    (void)munmap(table->slots, table_size(table->capacity));
}

struct dedup *dedup_new(void)
{
    struct dedup *dedup = OPENSSL_zalloc(sizeof(*dedup));

    if (dedup != NULL && RAND_bytes((unsigned char *)dedup->secret, sizeof(dedup->secret)) > 0 &&
        table_open(&dedup->table, FIRST_CAPACITY))
        return dedup;
    OPENSSL_free(dedup);
    return NULL;
}

void dedup_free(struct dedup *dedup)
{
    if (dedup == NULL)
        return;
    table_close(&dedup->table);
    OPENSSL_free(dedup);
}

void dedup_reserve(struct dedup *dedup, uint64_t count)
{
    const size_t most = count < RESERVED_MAX ? (size_t)count : RESERVED_MAX;
    struct table larger;

    if (dedup->count > 0 || most <= FIRST_CAPACITY / 2 || !table_open(&larger, most + most / 4))
        return;
    table_close(&dedup->table);
    dedup->table = larger;
}

/* Every bit of the input changes about half of the output's. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * 0x9E3779B97F4A7C15U;
    value = (value ^ value >> 29) * 0xBF58476D1CE4E5B9U;
    return value ^ value >> 32;
}

uint64_t dedup_hash(const struct dedup *dedup, const void *identity, size_t length)
{
    const unsigned char *octets = identity;
    uint64_t hash = dedup->secret[0] ^ length, word;

    for (; length >= sizeof(word); octets += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, octets, sizeof(word));
        hash = mix(hash ^ word) + dedup->secret[1];
    }
    word = 0;
    memcpy(&word, octets, length);
    hash = mix(hash ^ word);
    return hash == 0 ? 1 : hash;
}

/* Where the search for a hash begins. */
static size_t first_place(const struct table *table, uint64_t hash)
{
    return (size_t)(((hash >> 32) * table->capacity) >> 32);
}

/* Where a hash is, or would be. */
static uint64_t *find(const struct table *table, uint64_t hash)
{
    size_t at = first_place(table, hash);

    while (table->slots[at] != 0 && table->slots[at] != hash)
        at = at + 1 == table->capacity ? 0 : at + 1;
    return &table->slots[at];
}

static bool grow(struct dedup *dedup)
{
    struct table *old = &dedup->table, larger;

    if (!table_open(&larger, old->capacity + old->capacity / 2))
        return false;
    for (size_t i = 0; i < old->capacity; i++) {
        if (old->slots[i] != 0)
            *find(&larger, old->slots[i]) = old->slots[i];
        if ((i + 1) % FIRST_CAPACITY == 0) /* a large page is done with */
            (void)madvise(&old->slots[i + 1 - FIRST_CAPACITY], LARGE_PAGE, MADV_DONTNEED);
    }
    table_close(old);
    dedup->table = larger;
    return true;
}

void dedup_prefetch(const struct dedup *dedup, uint64_t hash)
{
    __builtin_prefetch(&dedup->table.slots[first_place(&dedup->table, hash)], 1);
}

enum dedup_result dedup_add(struct dedup *dedup, uint64_t hash)
{
    uint64_t *slot;

    if (dedup->count >= dedup->table.capacity - dedup->table.capacity / 8 && !grow(dedup))
        return DEDUP_NO_MEMORY;
    slot = find(&dedup->table, hash);
    if (*slot == hash)
        return DEDUP_DUPLICATE;
    *slot = hash;
    dedup->count++;
    return DEDUP_NEW;
}
