/*
 * A call with two parameters of NAF_Id: its halves in either order, or what does not go together
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "set.h"

static void prove_pair(struct choice one, struct choice other)
{
    struct choice choices[] = {one, other};

    for (size_t naf = 0; naf < NAFS; naf++)
        for (int is_set = 0; is_set < 2; is_set++) {
            const struct held was = held_any(DERIVATION_E2E, is_set, nafs[naf]);

            if (all_fit(choices, 2))
                prove_both(&was, choices, 2);
            else
                (void)prove_call(&was, choices, 2, ROOMY, false, 0);
            if (all_fit(choices, 2) && nafs[naf] == UA)
                prove_calls(&was, choices, 2);
        }
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    prove_pair(choose(0, "naf-fqdn", 2), choose(1, "ua-protocol-id", 5));
    prove_pair(choose(0, "ua-protocol-id", 5), choose(1, "naf-fqdn", 1));
    prove_pair(choose(0, "naf-fqdn", 1), choose(1, "naf-fqdn", 1));
    prove_pair(choose(0, "naf-id", 6), choose(1, "naf-fqdn", 1));
    prove_pair(choose(0, "ua-protocol-id", 5), choose(1, "naf-id", 7));
}
