/*
 * FC is one octet other than FF, or FF and one more, which is not AKMA-E2E's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "params.c"

void prove(void)
{
    unsigned char octets[2];
    const size_t length = nondet_bool() ? 1 : 2;
    const bool is_fc = length == 1 ? octets[0] != 0xFF : octets[0] == 0xFF && octets[1] != 0xE2;

    CLAIM((fc_fault(octets, length) == NULL) == is_fc);
    CLAIM(param_table[INPUT_FC].fault == fc_fault);
}
