/*
 * What checks a text reads no octet but the input's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

void prove(void)
{
    for (size_t length = 0; length <= LENGTH; length++) {
        const struct akma_octets text = any_octets(length);

        CLAIM(AKMA_REASON_INPUT(usage_reason(&text)) % AKMA_INPUT_USAGE == 0);
        CLAIM(AKMA_REASON_INPUT(impi_reason(&text)) % AKMA_INPUT_IMPI == 0);
    }
}
