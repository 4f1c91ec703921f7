/*
 * A key is taken for the one that is held if and only if it is the same, in length and octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "inputs.c"

#define LENGTH 4

void prove(void)
{
    unsigned char held[LENGTH], given[LENGTH];
    const struct octets key = {held, nondet_size(), LENGTH, held};
    const struct value value = {given, nondet_size()};
    bool is_same = key.length == value.length;

    GIVEN(key.length <= LENGTH && value.length <= LENGTH);
    for (size_t i = 0; i < key.length; i++)
        is_same = is_same && held[i] == given[i];
    compares_same = nondet_bool(); /* what CRYPTO_memcmp() will say, if it is asked */
    CLAIM(declassified_same_key(&key, &value) == is_same);
}
