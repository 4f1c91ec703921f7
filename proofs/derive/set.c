/*
 * A call that sets: what was taken is held, or all is as it was, and the HMAC fits either way.
 * After a reset nothing is held, and there is no HMAC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "contexts.h"

#include "../inputs/given.h"
#include "kdf.c"

static void prove_set(const struct held *was, struct choice *choice, int start, size_t which_fails)
{
    static struct kdf_ctx ctx;
    const struct held nothing = held_any(DERIVATION_E2E, false, 0);
    const OSSL_PARAM given[] = {as_given(choice), {NULL}};
    struct held wanted = *was;
    bool is_taken;

    hold(&wanted, choice);
    context_make(&ctx, was, start);
    failing = which_fails;
    is_taken = kdf_set_ctx_params(&ctx, given) == 1;
    CLAIM(is_taken == !has_failed);
    CLAIM(raised == !is_taken);
    claim_held(&ctx.inputs, is_taken ? &wanted : was);
    claim_fits(&ctx.prf, is_taken ? &wanted : was);
    kdf_reset(&ctx);
    claim_held(&ctx.inputs, &nothing);
    CLAIM(ctx.prf.mac == NULL && !hmac.is_open);
    CLAIM(blocks == 0 && texts == 0);
}

void prove(void)
{
    static const struct {
        const char *name;
        size_t length;
    } given[] = {{"ks-naf", 32}, {"ka", 16}, {"digest", 1}, {"properties", 1}};
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    named = 1; /* SHA2-384, HKDF */
    hmac_restarts = true;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        for (int start = KEY_INPUT; start <= KEY_PRK; start++) {
            struct held was = held_any(DERIVATION_E2E, true, WHOLE);
            struct choice choice = choose(0, given[i].name, given[i].length);

            was.digest = DIGEST_SHA2_256;
            prove_set(&was, &choice, start, 0);
            if (start == KEY_PRK && i == 0)
                prove_set(&was, &choice, start, 1);
        }
}
