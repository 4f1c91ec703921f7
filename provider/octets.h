/*
 * Secret octets that a context owns
 *
 * A buffer starts in storage its owner embeds, which serves all but long inputs without an
 * allocation, and moves to memory of its own (OpenSSL's secure heap, if the application has set
 * it up) when it has to hold more. Whatever was written is cleansed before memory is given up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_OCTETS_H
#define AKMA_OCTETS_H

#include <stdbool.h>
#include <stddef.h>

struct octets {
    unsigned char *data;
    size_t length;           /* octets in use */
    size_t capacity;         /* octets data has room for */
    unsigned char *embedded; /* the owner's storage */
};

void octets_init(struct octets *octets, unsigned char *embedded, size_t capacity);

/* Make room for capacity octets; false when out of memory, then nothing has changed. */
bool octets_reserve(struct octets *octets, size_t capacity);

/* Replace the old octets at offset by new ones; there must be room. value NULL: length is 0. */
void octets_splice(struct octets *octets, size_t offset, size_t old, const unsigned char *value,
                   size_t length);

/* Cleanse and release; octets_init() makes it usable again. */
void octets_free(struct octets *octets);

#endif
