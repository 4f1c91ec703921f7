/*
 * Ka's that were replaced, and are valid for some seconds more
 *
 * In a TLS handshake a server can try one key for an identity. So the new and the old key alternate
 * until a client has proved one of them; that one stays in use.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OVERLAP_H
#define OVERLAP_H

#include "devices.h"

#include <stdbool.h>
#include <stdint.h>

#define OVERLAP_MAX 31536000 /* seconds: a year */

/* An earlier Ka of an identity. */
struct old_ka {
    char identity[DEVICE_TEXT_MAX + 1];
    unsigned char *ka;
    size_t ka_length;
    int64_t until;  /* seconds of CLOCK_MONOTONIC */
    bool is_listed; /* the file had it when it was replaced: taking it away there ends it */
    bool is_next;   /* the next client of the identity is given its key */
};

/* Set only seconds at first; 0: none is kept. */
struct overlap {
    unsigned int seconds;
    struct old_ka *kas; /* sorted by identity */
    size_t count, capacity;
};

/* Rows replace others, which may be NULL. False: out of memory; then old Ka's are lost.
 */
bool overlap_change(struct overlap *overlap, const struct devices *before,
                    const struct devices *now);

/* The earlier Ka of an identity, if it is still valid; NULL: there is none. */
struct old_ka *overlap_find(struct overlap *overlap, const char *identity);

/* Does this identity have an old Ka with this hash that is still valid? */
bool overlap_has(struct overlap *overlap, const char *identity, const unsigned char *hash);

/* Cleanse and release. */
void overlap_close(struct overlap *overlap);

#endif
