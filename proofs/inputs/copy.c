/*
 * A copy of inputs holds what they hold, in memory of its own; or there is no memory, and it holds
 * nothing. The inputs themselves are as they were
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

/* Returns whether what was to fail has failed. */
static bool prove_copy(const struct held *was, size_t room, size_t which_fails)
{
    static struct inputs inputs, copy;
    const struct held nothing = held_any(DERIVATION_E2E, false, 0);
    bool is_copied;

    inputs_make(&inputs, was, room);
    failing = which_fails;
    is_copied = inputs_copy(&copy, &inputs);
    CLAIM(is_copied == !has_failed);
    claim_held(&inputs, was);
    inputs_free(&inputs);
    claim_held(&copy, is_copied ? was : &nothing);
    inputs_free(&copy);
    CLAIM(blocks == 0 && texts == 0);
    return has_failed;
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    octets[PARTS + 1][0] = 'p'; /* properties are no empty text */
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    for (int is_set = 0; is_set < 2; is_set++) {
        const struct held was = held_any(DERIVATION_E2E, is_set, is_set ? FQDN | UA : 0);

        (void)prove_copy(&was, ROOMY, 0);
        for (size_t which = 0; prove_copy(&was, TIGHT, which) || which == 0;)
            which++;
    }
}
