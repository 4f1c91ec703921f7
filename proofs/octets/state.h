/*
 * Any state that secret octets can be in: in the owner's storage or on the heap, of any contents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATE_H
#define STATE_H

#include "octets.h"
#include "proof.h"

#include <openssl/crypto.h>

#define EMBEDDED 4 /* octets */
#define LARGEST  8

static unsigned char embedded[EMBEDDED];
static unsigned char before[LARGEST]; /* the contents of the state */

static unsigned char *heap(size_t size)
{
    unsigned char *block = OPENSSL_secure_malloc(size);

    GIVEN(block != NULL);
    return block;
}

static struct octets any_octets(void)
{
    struct octets octets = {embedded, nondet_size(), EMBEDDED, embedded};

    if (nondet_bool()) {
        octets.capacity = nondet_size();
        GIVEN(octets.capacity > EMBEDDED && octets.capacity <= LARGEST);
        octets.data = heap(octets.capacity);
    }
    GIVEN(octets.length <= octets.capacity);
    for (size_t i = 0; i < octets.length; i++)
        octets.data[i] = before[i] = nondet_octet();
    secret_length = octets.length;
    return octets;
}

#endif
