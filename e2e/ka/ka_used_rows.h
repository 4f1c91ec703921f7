/*
 * The rows that keys and connections may depend on: those for which a third party has issued flags
 *
 * It holds names and versions, no keys. If it is full, the oldest row is forgotten; that one was
 * forgotten is remembered for as long as something may depend on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_USED_ROWS_H
#define KA_USED_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ka_used_rows;

struct ka_used_row {
    const char *device, *ka_id;
    int64_t version;
};

/*
 * Room for max rows. life: milliseconds after which nothing depends on an added row any more; 0:
 * unknown. NULL: out of memory.
 */
struct ka_used_rows *ka_used_rows_new(size_t max, int64_t life);

/*
 * Something depends on a row from now, clock_ms(), on. *replaced: the row was known with another
 * version, so whatever depends on that version has lost its row. False: out of memory.
 */
bool ka_used_rows_add(struct ka_used_rows *rows, const struct ka_used_row *row, int64_t now,
                      bool *replaced);

/* Nothing depends on it any more. */
void ka_used_rows_remove(struct ka_used_rows *rows, const char *device, const char *ka_id);

/* Is the list incomplete: was a row forgotten on which something may still depend? */
bool ka_used_rows_has_forgotten(const struct ka_used_rows *rows, int64_t now);

/* Remove all rows. */
void ka_used_rows_clear(struct ka_used_rows *rows);

/* Start an iteration over all rows that are known now. */
void ka_used_rows_begin(struct ka_used_rows *rows);

/* The next rows, which are valid until one is removed. Returns how many; 0: that was all. */
size_t ka_used_rows_next(struct ka_used_rows *rows, struct ka_used_row *next, size_t max);

/* NULL is fine. */
void ka_used_rows_free(struct ka_used_rows *rows);

#endif
