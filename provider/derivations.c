/*
 * The derivations: one row an algorithm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "derivations.h"

const struct derivation derivations[DERIVATION_COUNT] = {
#define ROW(id, name, description, key, fc, p0, ...) \
    [DERIVATION_##                                   \
        id] = {name, description, key, fc, p0, sizeof(fc) - 1, sizeof(p0) - 1, {__VA_ARGS__}},
    DERIVATIONS(ROW)
#undef ROW
};

unsigned int derivation_inputs(enum derivation_id id)
{
    const struct derivation *row = &derivations[id];
    unsigned int bits = INPUT_BIT(row->key) | INPUT_BIT(INPUT_PROPERTIES);

    for (const enum input *part = row->parts; *part != INPUT_NONE; part++) {
        bits |= INPUT_BIT(*part);
        if (*part == INPUT_NAF_ID)
            bits |= INPUT_BIT(INPUT_NAF_FQDN) | INPUT_BIT(INPUT_UA_PROTOCOL_ID);
    }
    if (id == DERIVATION_E2E)
        bits |= INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_MODE) | INPUT_BIT(INPUT_NOT_AFTER);
    return bits;
}
