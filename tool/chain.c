/*
 * The chains of derivations that end in e2e_key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chain.h"

#include "printable.h"

#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

const struct chain chains[CHAINS] = {
    /* TS 33.535 6.1, 6.2 */
    [CHAIN_AKMA] = {"from-k-ausf",
                    "K_AUSF",
                    {{AKMA_KDF_K_AKMA, AKMA_PARAM_KEY},
                     {AKMA_KDF_K_AF, AKMA_PARAM_KEY},
                     {AKMA_KDF_E2E, AKMA_PARAM_KS_NAF}}},
    /* TS 33.220 4.5.2, 4.5.3 */
    [CHAIN_GBA] = {"from-ck-ik",
                   "Ks = CK || IK",
                   {{AKMA_KDF_KS_NAF, AKMA_PARAM_KEY}, {AKMA_KDF_E2E, AKMA_PARAM_KS_NAF}}},
};

/* The step that derives by the algorithm; CHAIN_STEPS: none does. */
static size_t find_step(const struct chain *chain, const char *algorithm)
{
    size_t step = 0;

    while (step < CHAIN_STEPS && (chain->steps[step].algorithm == NULL ||
                                  strcmp(chain->steps[step].algorithm, algorithm) != 0))
        step++;
    return step;
}

bool chain_run(const struct chain *chain, const struct secret *top, const char *algorithm,
               struct input *inputs, size_t count, unsigned char *key, size_t length,
               char reason[DERIVATION_REASON_SIZE])
{
    const size_t last = find_step(chain, algorithm);
    unsigned char keys[2][AKMA_KEY_LENGTH]; /* in turn: a step's own, and the one before */
    bool done = last < CHAIN_STEPS;

    if (!done)
        (void)snprintf(reason, DERIVATION_REASON_SIZE, "--%s: this chain does not lead to %s",
                       chain->option, PRINTABLE(algorithm));
    inputs[0] = (struct input){.form = INPUT_OCTETS, .octets = top->octets, .length = top->length};
    for (size_t i = 0; done && i <= last; i++) {
        inputs[0].name = chain->steps[i].key;
        done =
            derivation_run(chain->steps[i].algorithm, inputs, count, i == last ? key : keys[i % 2],
                           i == last ? length : AKMA_KEY_LENGTH, reason);
        inputs[0].octets = keys[i % 2];
        inputs[0].length = AKMA_KEY_LENGTH;
    }
    OPENSSL_cleanse(keys, sizeof(keys));
    return done;
}
