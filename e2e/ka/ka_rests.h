/*
 * The rows that keys and connections may depend on: those for which a third party has issued flags
 *
 * It holds names and versions, no keys. If it is full, the oldest row is forgotten; that one was
 * forgotten is remembered for as long as something may depend on it.
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
 * Room for max rows. life: milliseconds after which nothing depends on an added row any more; 0:
 * unknown. NULL: out of memory.
 */
struct ka_rests *ka_rests_new(size_t max, int64_t life);

/*
 * Something depends on a row from now, clock_ms(), on. *replaced: the row was known with another
 * version, so whatever depends on that version has lost its row. False: out of memory.
 */
bool ka_rests_add(struct ka_rests *rests, const struct ka_rest *rest, int64_t now, bool *replaced);

/* Nothing depends on it any more. */
void ka_rests_remove(struct ka_rests *rests, const char *device, const char *ka_id);

/* Is the list incomplete: was a row forgotten on which something may still depend? */
bool ka_rests_has_forgotten(const struct ka_rests *rests, int64_t now);

/* Remove all rows. */
void ka_rests_clear(struct ka_rests *rests);

/* Start an iteration over all rows that are known now. */
void ka_rests_begin(struct ka_rests *rests);

/* The next rows, which are valid until one is removed. Returns how many; 0: that was all. */
size_t ka_rests_next(struct ka_rests *rests, struct ka_rest *next, size_t max);

/* NULL is fine. */
void ka_rests_free(struct ka_rests *rests);

#endif
