/*
 * The limits of a FQDN and of its labels: long names, of letters but in three places
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grammar.h"
#include "naf.h"
#include "proof.h"

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size(), here = nondet_size(), there = nondet_size(), yonder = nondet_size();

    GIVEN(length <= LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        if (i != here && i != there && i != yonder)
            text[i] = 'a';
    CLAIM((naf_fqdn_fault(text, length) == NULL) == is_fqdn(text, length));
}
