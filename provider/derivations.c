/*
 * The derivations: one row an algorithm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "derivations.h"

const struct derivation derivations[DERIVATION_COUNT] = {
#define ROW(id, name, description, key, fc, p0, ...) \
    [DERIVATION_##id] = {name,                       \
                         description,                \
                         key,                        \
                         fc,                         \
                         p0,                         \
                         sizeof(fc) - 1,             \
                         sizeof(p0) - 1,             \
                         {__VA_ARGS__},              \
                         DERIVATION_##id == DERIVATION_E2E},
    DERIVATIONS(ROW)
#undef ROW
};
