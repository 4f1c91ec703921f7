/*
 * naf_fqdn_fault() accepts a FQDN if and only if it keeps to the grammar: of any length
 *
 * The loops are not unwound. any_length.json says of each what is true whenever it comes round, by
 * what the grammar has read up to there; cbmc proves that by induction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "any_length.h"
#include "naf_syntax.h"
#include "proof.h"

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length <= LENGTH);
    read_text(text);
    CLAIM((naf_fqdn_fault(text, length) == NULL) == is_name(&readings[length], length));
}
