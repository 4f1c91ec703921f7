/*
 * Which row of an identity counts: its last one
 *
 * The rows are read twice. The first time each identity is remembered by a hash, and for one that
 * comes again the line of its last row; the second time the earlier ones are passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_LAST_H
#define PSK_LAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct psk_last;

enum psk_last_result {
    PSK_LAST_YES,   /* no later row has this identity */
    PSK_LAST_NO,    /* one has */
    PSK_LAST_UNSURE /* another identity has its hash, by chance */
};

/* For so many rows, by a guess; NULL when out of memory or randomness. */
struct psk_last *psk_last_new(uint64_t rows);
void psk_last_free(struct psk_last *last);

/*
 * The first time: the rows of a block; before is the number of the line before it, and is moved on.
 * The identity is the field of this number, from 0. False: out of memory.
 */
bool psk_last_add(struct psk_last *last, size_t field, char *block, size_t length, size_t *before);

/* The second time, in any thread: does the row of this line count? */
enum psk_last_result psk_last_is(const struct psk_last *last, const void *identity, size_t length,
                                 size_t line);

#endif
