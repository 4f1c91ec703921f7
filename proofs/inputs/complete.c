/*
 * Inputs are complete if and only if the key is set and every part of S that has no default, NAF_Id
 * whole or by both of its halves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "state.h"

static bool is_there(unsigned int present, enum input part)
{
    switch (part) {
    case INPUT_REFRESH: /* these may be left empty */
    case INPUT_USAGE:
    case INPUT_KA_ID:
        return true;
    case INPUT_NAF_ID:
        return (present & WHOLE) != 0 || (present & (FQDN | UA)) == (FQDN | UA);
    default:
        return (present & INPUT_BIT(part)) != 0;
    }
}

static void prove_algorithm(enum derivation_id id, enum input key)
{
    static struct inputs inputs;
    const struct shape *shape = &shapes[id];
    const unsigned int present = (unsigned int)nondet_size();
    bool wanted = (present & INPUT_BIT(key)) != 0;

    algorithm_init(&algorithm, &derivations[id]);
    GIVEN((present & ~algorithm.taken) == 0);
    for (size_t i = 0; shape->parts[i] != INPUT_NONE; i++)
        wanted = wanted && is_there(present, shape->parts[i]);
    inputs_init(&inputs, &algorithm);
    inputs.settings.present = present;
    raised = 0;
    CLAIM(inputs_complete(&inputs, &errors) == wanted);
    CLAIM(raised == !wanted);
}

void prove(void)
{
    embedded_max = ROOMY;
    for (enum derivation_id id = 0; id < DERIVATION_COUNT; id++)
        prove_algorithm(id, id == DERIVATION_E2E   ? INPUT_KS_NAF
                            : id == DERIVATION_ANY ? INPUT_ANY_KEY
                                                   : INPUT_KEY);
}
