/*
 * A key is refused if and only if all its octets are zero
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "key_form.h"
#include "proof.h"

#define LENGTH 8

void prove(void)
{
    unsigned char key[LENGTH];
    const size_t length = nondet_size();
    bool is_zero = true;

    GIVEN(length >= 1 && length <= LENGTH);
    for (size_t i = 0; i < length; i++)
        is_zero = is_zero && key[i] == 0;
    CLAIM((key_fault(key, length) != NULL) == is_zero);
}
