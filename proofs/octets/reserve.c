/*
 * octets_reserve() keeps the contents, and leaves nothing behind; or it changes nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

void prove(void)
{
    struct octets octets = any_octets();
    const struct octets old = octets;
    const size_t wanted = nondet_size();

    GIVEN(wanted <= LARGEST);
    failing = nondet_bool() ? 1 : 0;
    if (octets_reserve(&octets, wanted)) {
        CLAIM(octets.capacity >= wanted && octets.capacity >= old.capacity);
        CLAIM(__CPROVER_OBJECT_SIZE(octets.data) == octets.capacity);
    } else {
        CLAIM(wanted > old.capacity);
        CLAIM(octets.data == old.data && octets.capacity == old.capacity);
    }
    CLAIM(blocks == (octets.data != embedded));
    CLAIM(octets.length == old.length && octets.embedded == embedded);
    for (size_t i = 0; i < octets.length; i++)
        CLAIM(octets.data[i] == before[i]);
    if (old.data == embedded && octets.data != embedded)
        for (size_t i = 0; i < old.length; i++)
            CLAIM(embedded[i] == 0);
}
