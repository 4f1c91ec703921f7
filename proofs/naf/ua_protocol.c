/*
 * naf_ua_protocol_fault() accepts an identifier if and only if it keeps to the grammar
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grammar.h"
#include "naf_syntax.h"
#include "proof.h"

void prove(void)
{
    unsigned char octets[7];
    const size_t length = nondet_size();

    GIVEN(length <= sizeof(octets));
    CLAIM((naf_ua_protocol_fault(octets, length) == NULL) == is_ua_protocol(octets, length));
}
