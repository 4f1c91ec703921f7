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

static struct octets any_octets(void)
{
    struct octets octets = {embedded, nondet_size(), EMBEDDED, embedded};

    if (nondet_bool()) {
        octets.capacity = nondet_size();
        GIVEN(octets.capacity > EMBEDDED && octets.capacity <= LARGEST);
        octets.data = OPENSSL_secure_malloc(octets.capacity);
    }
    GIVEN(octets.length <= octets.capacity);
    for (size_t i = 0; i < octets.length; i++)
        octets.data[i] = before[i] = nondet_octet();
    return octets;
}

#endif
