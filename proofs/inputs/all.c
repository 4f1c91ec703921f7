/*
 * A call with every parameter of AKMA-E2E: all of them are taken, or none
 *
 * Some parts grow and others shrink, in either order, and there is room for no more than that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "set.h"

static void prove_all(size_t refresh, size_t usage, unsigned int last_type)
{
    struct choice choices[CHOICES] = {
        choose(0, "refresh", refresh),  choose(1, "ks-naf", 32),   choose(2, "mode", 4),
        choose(3, "naf-fqdn", 2),       choose(4, "usage", usage), choose(5, "digest", 1),
        choose(6, "ua-protocol-id", 5), choose(7, "ka", 17),       choose(8, "not-after", 8),
        choose(9, "properties", 1),
    };

    choices[CHOICES - 1].type = last_type;
    for (int is_set = 0; is_set < 2; is_set++) {
        struct held was = held_any(DERIVATION_E2E, is_set, is_set ? WHOLE : 0);

        was.parts[part_of(was.shape, INPUT_USAGE)].length *= 4; /* shrinks by more than S_TAIL */
        if (is_set && refresh == 0)
            prove_calls(&was, choices, CHOICES);
        else
            prove_both(&was, choices, CHOICES);
    }
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    prove_all(0, 3, TEXT);
    prove_all(2, 0, TEXT);
    prove_all(1, 1, OCTETS);
}
