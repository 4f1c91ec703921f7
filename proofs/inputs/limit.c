/*
 * A list of p is refused if and only if its octets, each L counted, would be more than there may
 * be; the sum does not wrap where size_t has 32 bits either
 *
 * One element more is looked at, after any number of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"

#include "inputs.c"

void prove(void)
{
    static const struct errors errors;
    const OSSL_PARAM given = {"p", OSSL_PARAM_OCTET_STRING, NULL, nondet_size(), 0};
    const size_t before = nondet_size();
    struct inputs_tx tx = {.list = before};
    bool is_counted;

    GIVEN(before <= 2147483647 && given.data_size <= 65535);
    is_counted = count_element(&tx, &given, given.data_size, &errors);
    CLAIM(tx.list == before + 2 + given.data_size);
    CLAIM(tx.list <= UINT32_MAX);
    CLAIM(is_counted == (tx.list <= 2147483647));
    CLAIM(raised == !is_counted);
}
