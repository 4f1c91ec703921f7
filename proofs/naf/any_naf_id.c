/*
 * A NAF_Id of any length is accepted if and only if it is a FQDN and an identifier
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
    bool wanted = false;

    GIVEN(length <= LENGTH);
    read_text(text);
    if (length > 5)
        wanted = is_name(&readings[length - 5], length - 5) && is_ua_protocol(text + length - 5, 5);
    CLAIM((naf_id_fault(text, length) == NULL) == wanted);
}
