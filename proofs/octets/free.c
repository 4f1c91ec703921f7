/*
 * octets_free() leaves nothing behind, in the owner's storage or on the heap
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

void prove(void)
{
    struct octets octets = any_octets();

    octets_free(&octets);
    CLAIM(blocks == 0);
    if (octets.data == embedded)
        for (size_t i = 0; i < octets.length; i++)
            CLAIM(embedded[i] == 0);
}
