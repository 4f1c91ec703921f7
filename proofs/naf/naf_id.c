/*
 * naf_id_fault() accepts a NAF_Id if and only if it is a FQDN and a Ua security protocol identifier
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "grammar.h"
#include "naf_syntax.h"
#include "proof.h"

void prove(void)
{
    unsigned char octets[LENGTH];
    const size_t length = nondet_size();
    bool wanted = false;

    GIVEN(length <= LENGTH);
    if (length > 5)
        wanted = is_fqdn(octets, length - 5) && is_ua_protocol(octets + length - 5, 5);
    CLAIM((naf_id_fault(octets, length) == NULL) == wanted);
}
