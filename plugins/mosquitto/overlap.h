/*
 * Ka's that were replaced, and are valid for some seconds more
 *
 * TLS lets a server try one key of an identity in a handshake. So the new one and the old one take
 * turns, until one is proved: then that one continues.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OVERLAP_H
#define OVERLAP_H

#include "devices.h"

#include <stdbool.h>
#include <stdint.h>

#define OVERLAP_MAX 31536000 /* seconds: a year */

/* A Ka that was an identity's before. */
struct old_ka {
    char identity[DEVICE_TEXT_MAX + 1];
    unsigned char *ka;
    size_t ka_length;
    int64_t until;  /* seconds of CLOCK_MONOTONIC */
    bool is_listed; /* the file had it when it was replaced: taking it away there ends it */
    bool is_next;   /* the next client of the identity is given its key */
};

/* Begin with seconds alone; 0: none is kept. */
struct overlap {
    unsigned int seconds;
    struct old_ka *kas; /* sorted by identity */
    size_t count, capacity;
};

/* Rows take the place of others, which may be NULL. False: out of memory; then old Ka's are lost.
 */
bool overlap_change(struct overlap *overlap, const struct devices *before,
                    const struct devices *now);

/* The Ka before of an identity, if that is still good; NULL: there is none. */
struct old_ka *overlap_find(struct overlap *overlap, const char *identity);

/* Is an old Ka of this identity, with this hash, still good? */
bool overlap_has(struct overlap *overlap, const char *identity, const unsigned char *hash);

/* Cleanse and release. */
void overlap_close(struct overlap *overlap);

#endif
