/*
 * Which identities have been seen: open addressing in parts that grow one by one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "seen.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define PARTS          256 /* one grows at a time: old and new never stand side by side for all */
#define FIRST_CAPACITY 32

struct part {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
};

struct seen {
    uint64_t secret[2];
    struct part parts[PARTS];
};

struct seen *seen_new(void)
{
    struct seen *seen = OPENSSL_zalloc(sizeof(*seen));

    if (seen == NULL || RAND_bytes((unsigned char *)seen->secret, sizeof(seen->secret)) > 0)
        return seen;
    OPENSSL_free(seen);
    return NULL;
}

void seen_free(struct seen *seen)
{
    if (seen == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++)
        OPENSSL_free(seen->parts[i].slots);
    OPENSSL_free(seen);
}

/* Every bit of the input changes about half of the output's. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * 0x9E3779B97F4A7C15U;
    value = (value ^ value >> 29) * 0xBF58476D1CE4E5B9U;
    return value ^ value >> 32;
}

uint64_t seen_hash(const struct seen *seen, const void *identity, size_t length)
{
    const unsigned char *octets = identity;
    uint64_t hash = seen->secret[0] ^ length, word;

    for (; length >= sizeof(word); octets += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, octets, sizeof(word));
        hash = mix(hash ^ word) + seen->secret[1];
    }
    word = 0;
    memcpy(&word, octets, length);
    hash = mix(hash ^ word);
    return hash == 0 ? 1 : hash;
}

/* Where a hash is, or would be. */
static uint64_t *find(const struct part *part, uint64_t hash)
{
    size_t at = (size_t)(((hash & UINT32_MAX) * part->capacity) >> 32);

    while (part->slots[at] != 0 && part->slots[at] != hash)
        at = at + 1 == part->capacity ? 0 : at + 1;
    return &part->slots[at];
}

static int grow(struct part *part)
{
    struct part larger = {.count = part->count,
                          .capacity = part->capacity == 0 ? FIRST_CAPACITY
                                                          : part->capacity + part->capacity / 2};

    larger.slots = OPENSSL_zalloc(larger.capacity * sizeof(*larger.slots));
    if (larger.slots == NULL)
        return 0;
    for (size_t i = 0; i < part->capacity; i++)
        if (part->slots[i] != 0)
            *find(&larger, part->slots[i]) = part->slots[i];
    OPENSSL_free(part->slots);
    *part = larger;
    return 1;
}

enum seen_result seen_add(struct seen *seen, uint64_t hash)
{
    struct part *part = &seen->parts[hash >> 56];
    uint64_t *slot;

    if (part->count >= part->capacity - part->capacity / 8 && !grow(part))
        return SEEN_NO_MEMORY;
    slot = find(part, hash);
    if (*slot == hash)
        return SEEN_BEFORE;
    *slot = hash;
    part->count++;
    return SEEN_NEW;
}
