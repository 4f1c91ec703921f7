/*
 * What checks a NAF_Id reads no octet but the input's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

void prove(void)
{
    for (size_t length = 0; length <= LENGTH; length++) {
        struct akma_naf naf = {.naf_id = any_octets(length)};
        int reason = naf_reason(&naf);

        CLAIM(reason == 0 || AKMA_REASON_INPUT(reason) == AKMA_INPUT_NAF_ID);
        naf = (struct akma_naf){.naf_fqdn = any_octets(length), .ua_protocol_id = any_octets(5)};
        reason = naf_reason(&naf);
        CLAIM(AKMA_REASON_INPUT(reason) != AKMA_INPUT_NAF_ID);
    }
}
