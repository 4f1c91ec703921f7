/*
 * naf_fqdn_fault() accepts a FQDN if and only if it keeps to the grammar
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grammar.h"
#include "naf_syntax.h"
#include "proof.h"

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length <= LENGTH);
    CLAIM((naf_fqdn_fault(text, length) == NULL) == is_fqdn(text, length));
}
