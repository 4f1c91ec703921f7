/*
 * How many of each: connections of a device, unfinished handshakes of a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONN_LIMIT_H
#define CONN_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

struct conn_limit;

/* max: how many there may be of each. NULL when out of memory. */
struct conn_limit *conn_limit_new(unsigned int max);

/* One more of a key (at most 255 octets), on any thread; false: there are max, or no memory. */
bool conn_limit_acquire(struct conn_limit *limit, const void *key, size_t length);

/* One less of a key that was taken. */
void conn_limit_release(struct conn_limit *limit, const void *key, size_t length);

/* NULL is fine. */
void conn_limit_free(struct conn_limit *limit);

#endif
