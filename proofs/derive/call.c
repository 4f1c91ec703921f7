/*
 * One call of EVP_KDF_derive() with a parameter of its own: it derives, and the parameter stays; or
 * an error is raised, nothing comes out, and all is as it was. The HMAC fits what is held, always
 *
 * Each thing that can fail fails in turn: the parameter, the policy, the memory, every call of
 * HMAC. So do what is missing, the length, and the key's end of life.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "asked.h"
#include "contexts.h"

#include "../inputs/given.h"
#include "kdf.c"

#include <time.h>

#define OUTPUT_MAX 64
#define NOW        7
#define TOO_LONG   (255 * 64 + 1)

time_t time(time_t *into)
{
    CLAIM(into == NULL);
    return NOW;
}

static bool is_complete(const struct held *held)
{
    const unsigned int needed = INPUT_BIT(INPUT_KS_NAF) | INPUT_BIT(INPUT_KA);

    return (held->present & needed) == needed &&
           ((held->present & WHOLE) != 0 || (held->present & (FQDN | UA)) == (FQDN | UA));
}

static bool is_possible(const struct held *held, size_t length)
{
    const bool is_alive = !has_input(held->present, INPUT_NOT_AFTER) || held->not_after >= NOW;

    return is_complete(held) && is_alive && length >= 1 && length < TOO_LONG;
}

/* Returns whether what was to fail has failed. */
static bool prove_derive(const struct held *was, struct choice *choice, size_t length, int start,
                         size_t which_fails)
{
    static struct kdf_ctx ctx;
    unsigned char out[OUTPUT_MAX];
    const OSSL_PARAM given[] = {as_given(choice), {NULL}};
    struct held wanted = *was;
    bool is_derived;

    hold(&wanted, choice);
    context_make(&ctx, was, start);
    failing = which_fails;
    asked_of_policy = (struct asked_of_policy){0};
    is_derived = kdf_derive(&ctx, out, length, given) == 1;
    CLAIM(is_derived == (is_possible(&wanted, length) && !has_failed));
    CLAIM(raised == !is_derived);
    CLAIM(!is_derived || (asked_of_policy.error == 1 && asked_of_policy.permits == 1));
    for (size_t i = 0; !is_derived && i < length && i < OUTPUT_MAX && length < TOO_LONG; i++)
        CLAIM(out[i] == 0);
    claim_held(&ctx.inputs, is_derived ? &wanted : was);
    claim_fits(&ctx.prf, is_derived ? &wanted : was);
    release(&ctx);
    CLAIM(blocks == 0 && texts == 0 && !hmac.is_open);
    return has_failed;
}

static struct held any_was(enum kdf_mode mode, unsigned int naf)
{
    struct held held = held_any(DERIVATION_E2E, true, naf);

    held.mode = mode;
    held.digest = DIGEST_SHA2_256;
    held.not_after = NOW;
    return held;
}

static void prove_failures(enum kdf_mode mode, int start, bool restarts)
{
    const struct held was = any_was(mode, FQDN | UA);
    struct choice choice = choose(0, NAME, VALUE);

    hmac_restarts = restarts;
    (void)prove_derive(&was, &choice, 32, start, 0);
    for (size_t which = 1; prove_derive(&was, &choice, 32, start, which);)
        which++;
}

/* What is no failure of something else, but a thing that cannot be. */
static void prove_refusals(void)
{
    const struct held nothing = held_any(DERIVATION_E2E, false, 0);
    const struct held half = any_was(MODE_3GPP, UA), whole = any_was(MODE_HKDF, WHOLE);
    struct held past = whole;
    struct choice choice = choose(0, NAME, VALUE);

    past.not_after = NOW - 1;
    (void)prove_derive(&nothing, &choice, 32, CLOSED, 0);
    (void)prove_derive(&half, &choice, 32, KEY_INPUT, 0);
    (void)prove_derive(&past, &choice, 32, KEY_PRK, 0);
    (void)prove_derive(&whole, &choice, 0, KEY_PRK, 0);
    (void)prove_derive(&whole, &choice, TOO_LONG, KEY_STALE, 0);
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    named = 1; /* SHA2-384, HKDF */
    integer = NOW;
    hmac_restarts = true;
    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
#ifdef FAILURES
    prove_failures(FAILURES);
#else
    prove_refusals();
#endif
}
