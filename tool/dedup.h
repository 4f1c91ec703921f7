/*
 * Which identities have been seen: 9 to 14 octets each, however many there are
 *
 * An identity is remembered by 64 bits of hash. Two of them that share a hash by chance (of ten
 * million rows, with a probability of three in a million) are taken for one: a row is refused, no
 * key is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEDUP_H
#define DEDUP_H

#include <stddef.h>
#include <stdint.h>

struct dedup;

enum dedup_result { DEDUP_NEW, DEDUP_DUPLICATE, DEDUP_NO_MEMORY };

/* NULL when out of memory or randomness. */
struct dedup *dedup_new(void);
void dedup_free(struct dedup *dedup);

/* So many will come, it seems: room for them, up to some millions, so that the set need not grow.
 */
void dedup_reserve(struct dedup *dedup, uint64_t count);

/* The hash of an identity, by the secret of this set; any thread may ask for it. */
uint64_t dedup_hash(const struct dedup *dedup, const void *identity, size_t length);

/* Prefetch the slot for a hash, some hashes before it is added: adding waits for memory. */
void dedup_prefetch(const struct dedup *dedup, uint64_t hash);

/* Remember a hash. */
enum dedup_result dedup_add(struct dedup *dedup, uint64_t hash);

#endif
