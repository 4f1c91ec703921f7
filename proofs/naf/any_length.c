/*
 * naf_fqdn_fault() accepts a FQDN if and only if it keeps to the grammar: of any length
 *
 * The loops are not unwound. any_length.json says of each what is true whenever it comes round, by
 * what the grammar has read up to there; cbmc proves that by induction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grammar.h"
#include "naf.h"
#include "proof.h"

#define LENGTH 254 /* octets: one more than the longest name has */

struct reading readings[LENGTH + 1]; /* of so many octets */

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length <= LENGTH);
    readings[0] = (struct reading){.is_ok = true};
    for (size_t i = 0; i < LENGTH; i++)
        readings[i + 1] = read_octet(readings[i], text[i]);
    CLAIM((naf_fqdn_fault(text, length) == NULL) == is_name(&readings[length], length));
}
