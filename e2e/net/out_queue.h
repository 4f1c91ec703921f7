/*
 * Octets that wait to be written; they are cleansed when they go
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OUT_QUEUE_H
#define OUT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty one. */
struct out_queue {
    char *octets;
    size_t length, sent, size; /* of octets: that are there, that were written, that have room */
};

/* Room for so many more, at octets + length, where the caller puts them. False: out of memory. */
bool out_queue_make_room(struct out_queue *queue, size_t length);

/* Those that are not written; they begin at octets + sent. */
size_t out_queue_unsent(const struct out_queue *queue);

/* Release it; it is empty then. */
void out_queue_clear(struct out_queue *queue);

#endif
