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

/* What PAIR of claims.toml is one of: a claim for each, because a claim is what runs side by side.
 */
static const struct {
    const char *one;
    size_t one_length;
    const char *other;
    size_t other_length;
} pairs[] = {
    {"naf-fqdn", 2, "ua-protocol-id", 5}, {"ua-protocol-id", 5, "naf-fqdn", 1},
    {"naf-fqdn", 1, "naf-fqdn", 1},       {"naf-id", 6, "naf-fqdn", 1},
    {"ua-protocol-id", 5, "naf-id", 7},
};

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    prove_pair(choose(0, pairs[PAIR].one, pairs[PAIR].one_length),
               choose(1, pairs[PAIR].other, pairs[PAIR].other_length));
}
