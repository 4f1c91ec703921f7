/*
 * How many of each: connections of a device, unfinished handshakes of a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>

struct tally;

/* max: how many there may be of each. NULL when out of memory. */
struct tally *tally_new(unsigned int max);

/* One more of a key (at most 255 octets), on any thread; false: there are max, or no memory. */
bool tally_take(struct tally *tally, const void *key, size_t length);

/* One less of a key that was taken. */
void tally_drop(struct tally *tally, const void *key, size_t length);

/* NULL is fine. */
void tally_free(struct tally *tally);

#endif
