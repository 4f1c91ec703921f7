/*
 * The chains of derivations that end in e2e_key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "derivation.h"
#include "secret_source.h"

#define CHAIN_STEPS 3

struct chain {
    const char *option; /* of the tool, that gives its top */
    const char *top;    /* what that is called */
    struct {
        const char *algorithm, *key; /* the key before, or the top, is the parameter of this name */
    } steps[CHAIN_STEPS];            /* algorithm NULL: there are no more */
};

enum { CHAIN_AKMA, CHAIN_GBA, CHAINS };

extern const struct chain chains[CHAINS];

/*
 * Derive from the top down to the algorithm, length octets of its key; of each step before that, a
 * whole key. inputs[0] is used for the key of a step, the others are given to each step that takes
 * them. False: reason, as derivation_run() has it.
 */
bool chain_run(const struct chain *chain, const struct secret *top, const char *algorithm,
               struct input *inputs, size_t count, unsigned char *key, size_t length,
               char reason[DERIVATION_REASON_SIZE]);

#endif
