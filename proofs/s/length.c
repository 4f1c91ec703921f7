/*
 * A length is written in two octets, big endian: every one of 0 to 65535, and so the high octet of
 * a long Ka's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "s.c"

void prove(void)
{
    unsigned char octets[L_SIZE];
    const size_t length = nondet_size();

    GIVEN(length <= 65535);
    CLAIM(write_l(octets, length) == octets + 2);
    CLAIM(256 * (size_t)octets[0] + octets[1] == length);
}
