/*
 * The rows that keys and connections may rest on: those that a third party has issued flags for
 *
 * It has names and versions, no keys. If there is no room, the oldest row is forgotten, and it is
 * remembered that one was, for as long as something may rest on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_RESTS_H
#define KA_RESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ka_rests;

struct ka_rest {
    const char *device, *ka_id;
    int64_t version;
};

/*
 * Room for max of them; life: the milliseconds after which nothing rests any more on one that was
 * added, 0: unknown. NULL: out of memory.
 */
struct ka_rests *ka_rests_new(size_t max, int64_t life);

/*
 * Something rests on a row from now on, clock_ms(). False: out of memory. *replaced: it was known
 * with another version, so that what rests on that one has lost its row.
 */
bool ka_rests_add(struct ka_rests *rests, const struct ka_rest *rest, int64_t now, bool *replaced);

/* Nothing does any more. */
void ka_rests_remove(struct ka_rests *rests, const char *device, const char *ka_id);

/* Forget all. Was a row forgotten that may still count, so that the list is incomplete? */
bool ka_rests_has_forgotten(const struct ka_rests *rests, int64_t now);
void ka_rests_clear(struct ka_rests *rests);

/* Begin to go through all that are known now. */
void ka_rests_begin(struct ka_rests *rests);

/* The next ones, which are valid until one is removed; how many, 0: it was the last. */
size_t ka_rests_next(struct ka_rests *rests, struct ka_rest *next, size_t max);

/* NULL is fine. */
void ka_rests_free(struct ka_rests *rests);

#endif
