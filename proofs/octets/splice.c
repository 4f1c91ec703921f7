/*
 * octets_splice() puts a value in the place of others, and cleanses what no longer counts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "octets.h"
#include "proof.h"

#define CAPACITY 8

void prove(void)
{
    unsigned char storage[CAPACITY], before[CAPACITY], value[CAPACITY];
    struct octets octets = {storage, nondet_size(), CAPACITY, nondet_bool() ? storage : NULL};
    const struct octets was = octets;
    const size_t offset = nondet_size(), old = nondet_size(), length = nondet_size();

    for (size_t i = 0; i < CAPACITY; i++) {
        before[i] = storage[i];
        value[i] = nondet_octet();
    }
    GIVEN(octets.length <= CAPACITY && offset <= octets.length && old <= octets.length - offset);
    GIVEN(length <= CAPACITY - (octets.length - old));
    octets_splice(&octets, offset, old, length > 0 ? value : NULL, length);
    CLAIM(octets.length == was.length - old + length);
    CLAIM(octets.data == was.data && octets.capacity == was.capacity);
    CLAIM(octets.embedded == was.embedded);
    for (size_t i = 0; i < CAPACITY; i++)
        if (i < offset || i >= octets.length + (length < old ? old - length : 0))
            CLAIM(storage[i] == before[i]);
        else if (i < offset + length)
            CLAIM(storage[i] == value[i - offset]);
        else if (i < octets.length)
            CLAIM(storage[i] == before[i - length + old]);
        else
            CLAIM(storage[i] == 0);
}
