/*
 * Which identities have been seen: 9 to 14 octets each, however many there are
 *
 * An identity is remembered by 64 bits of hash. Two of them that share a hash by chance (of ten
 * million rows, with a probability of three in a million) are taken for one: a row is refused, no
 * key is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SEEN_H
#define SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen;

enum seen_result { SEEN_NEW, SEEN_BEFORE, SEEN_NO_MEMORY };

/* NULL when out of memory or randomness. */
struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* So many will come, it seems: room for them, up to some millions, so that the set need not grow.
 */
void seen_reserve(struct seen *seen, uint64_t count);

/* The hash of an identity, by the secret of this set; any thread may ask for it. */
uint64_t seen_hash(const struct seen *seen, const void *identity, size_t length);

/* Bring what a hash needs near, some hashes before it is added: most of the time goes by waiting.
 */
void seen_expect(const struct seen *seen, uint64_t hash);

/* Remember a hash. */
enum seen_result seen_add(struct seen *seen, uint64_t hash);

#endif
