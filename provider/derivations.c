/*
 * The derivations: one row per algorithm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "derivations.h"

const struct derivation derivations[DERIVATION_COUNT] = {
#define ROW(id, name, description, key, settings, least, blocks, tail, fc, p0, ...) \
    [DERIVATION_##id] = {name,                                                      \
                         description,                                               \
                         key,                                                       \
                         settings,                                                  \
                         least,                                                     \
                         blocks,                                                    \
                         tail,                                                      \
                         fc,                                                        \
                         p0,                                                        \
                         sizeof(fc) - 1,                                            \
                         sizeof(p0) - 1,                                            \
                         (const enum input[]){__VA_ARGS__, INPUT_NONE}},
    DERIVATIONS(ROW)
#undef ROW
};
