/*
 * Ka is taken for Ks_NAF if and only if it is the same 32 octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "derive.c"

#define LENGTH 33

void prove(void)
{
    unsigned char ks_naf[AKMA_KEY_LENGTH], ka[LENGTH];
    const struct octets key = {ks_naf, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, ks_naf};
    const struct value value = {ka, nondet_size()};
    bool is_same = value.length == AKMA_KEY_LENGTH;

    GIVEN(value.length >= AKMA_KA_MIN && value.length <= LENGTH);
    for (size_t i = 0; i < AKMA_KEY_LENGTH; i++)
        is_same = is_same && ks_naf[i] == ka[i];
    CLAIM(declassified_are_equal(&key, &value) == is_same);
}
