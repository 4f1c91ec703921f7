/*
 * What the operator has answered: keys until their end, and for some seconds the identities that
 * have none
 *
 * Keys and "no" are two tables with a bound each, so that made-up identities push out no key. The
 * entry that was used longest ago goes first. One thread alone uses a cache; times are those of
 * clock_ms().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEY_CACHE_H
#define KEY_CACHE_H

#include "source/key_answer.h"

#include <stdint.h>

enum key_cached {
    CACHE_MISS,
    CACHE_HIT,
    CACHE_NEGATIVE, /* there is no such key */
    CACHE_REFUSED   /* the operator refuses it */
};

struct key_cache;

/* Room for so many keys, and so many "no". NULL: out of memory. */
struct key_cache *key_cache_new(size_t keys, size_t nos);

/* Cleanse and release; NULL is fine. */
void key_cache_free(struct key_cache *cache);

/* What is known of a key; with CACHE_HIT answer gets it, to be cleansed. */
enum key_cached key_cache_find(struct key_cache *cache, const struct key_wanted *wanted,
                               int64_t now, struct key_answer *answer);

/* Keep a key until a time, or until its own end, in place of what was known. */
void key_cache_keep(struct key_cache *cache, const struct key_wanted *wanted,
                    const struct key_answer *answer, int64_t until);

/* Keep a "no", CACHE_NEGATIVE or CACHE_REFUSED, as above. */
void key_cache_keep_no(struct key_cache *cache, const struct key_wanted *wanted, enum key_cached no,
                       int64_t until);

/* All keys of an identity, for whichever Ua security protocol. */
void key_cache_forget(struct key_cache *cache, enum key_system system, const char *identity);

/* Cleanse what has come to its end; to be called from time to time. */
void key_cache_sweep(struct key_cache *cache, int64_t now);

#endif
