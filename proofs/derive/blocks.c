/*
 * What is derived is what the specification has HMAC make of the inputs: every block of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "contexts.h"

#define BLOCK 32 /* octets of the digest, SHA2-256 */

/* What HMAC has to be asked for block i; before: T(i-1), NULL in mode 3GPP and for the first. */
static size_t write_message(const struct held *held, size_t length, size_t i,
                            const struct hmac_result *before, unsigned char *message)
{
    const bool is_hkdf = held->mode == MODE_HKDF;
    unsigned char *place = message;

    for (size_t octet = 0; before != NULL && octet < before->output_length; octet++)
        *place++ = before->output[octet];
    for (size_t octet = 0; octet < held->shape->begin; octet++)
        *place++ = (unsigned char)held->shape->begin_is[octet];
    for (size_t part = is_hkdf ? 1 : 0; held->shape->parts[part] != INPUT_NONE; part++)
        place = write_part(held->shape, &held->parts[part], place);
    if (held->shape != &shapes[DERIVATION_E2E])
        return (size_t)(place - message);
    *place++ = (unsigned char)(length / 256); /* P5 || L5 */
    *place++ = (unsigned char)(length % 256);
    *place++ = 0;
    *place++ = 2;
    *place++ = (unsigned char)i; /* P6 || L6; of info and i only i */
    if (!is_hkdf) {
        *place++ = 0;
        *place++ = 1;
    }
    return (size_t)(place - message);
}

static void claim_result(const struct hmac_result *result, const struct value *key,
                         const unsigned char *message, size_t length)
{
    claim_key(&result->key, key);
    CLAIM(result->length == length);
    (void)claim_octets(result->message, message, length);
}

/* Go through what HMAC was asked for, and the output. prk: what it holds before it is asked. */
static void claim_output(const struct held *held, const unsigned char *out, size_t length,
                         const struct hmac_key *prk)
{
    const struct hmac_result *result = hmac.results, *before = NULL;
    struct value key = held->key;
    unsigned char message[MESSAGE_MAX];

    if (prk != NULL)
        key = (struct value){prk->octets, prk->length};
    for (size_t i = 1; (i - 1) * BLOCK < length; i++) {
        const size_t done = (i - 1) * BLOCK, block = length - done < BLOCK ? length - done : BLOCK;

        if (held->mode == MODE_HKDF && prk == NULL && (i == 1 || !hmac_restarts)) {
            claim_result(result, &held->key, message, write_ikm(held, message));
            key = (struct value){result->output, result->output_length};
            result++;
        }
        claim_result(result, &key, message, write_message(held, length, i, before, message));
        CLAIM(result->output_length == block);
        (void)claim_octets(out + done, result->output, block);
        before = held->mode == MODE_HKDF ? result : NULL;
        result++;
    }
    CLAIM(result == hmac.results + hmac.count);
}

static void prove_output(enum kdf_mode mode, size_t length, int start, unsigned int naf)
{
    static struct kdf_ctx ctx;
    struct held held = held_any(SHAPE, true, naf);
    struct hmac_key prk;
    unsigned char out[2 * BLOCK];

    held.present &= ~INPUT_BIT(INPUT_NOT_AFTER);
    held.mode = mode;
    held.digest = DIGEST_SHA2_256;
    context_make(&ctx, &held, start);
    prk = hmac.key;
    CLAIM(derive(&ctx, out, length));
    CLAIM(raised == 0);
    CLAIM(hmac.prk == NULL || cleansed == hmac.prk);
    claim_output(&held, out, length, mode == MODE_HKDF && start == KEY_PRK ? &prk : NULL);
    claim_held(&ctx.inputs, &held);
    claim_fits(&ctx.prf, &held);
}

static void prove_mode(enum kdf_mode mode)
{
    for (int start = CLOSED; start <= KEY_PRK; start++) {
        hmac_restarts = start != KEY_STALE;
        prove_output(mode, BLOCK + 1, start, FQDN | UA);
    }
    prove_output(mode, 2 * BLOCK, CLOSED, WHOLE);
}

/* The module's own layout puts these parts where the specification has them. */
static void prove_layout(void)
{
    const struct held held = held_any(SHAPE, true, WHOLE);
    static struct s s;

    embedded_max = ROOMY;
    s_init(&s, &algorithm.layout);
    for (size_t i = 0; held.shape->parts[i] != INPUT_NONE; i++) {
        const struct place place = s_find(&s, INPUT_BIT(held.shape->parts[i]));

        CLAIM(s_at(&s, &place) == held.shape->parts[i]);
        s_put(&s, &place, &held.parts[i]);
    }
    claim_s(&s, held.shape, held.parts);
}

void prove(void)
{
    unsigned char octets[VALUES_MAX][VALUE_MAX];

    any = octets;
    hmac_restarts = true;
    algorithm_init(&algorithm, &derivations[SHAPE]);
    prove_layout();
    for (size_t length = derivations[SHAPE].least; length <= BLOCK; length += BLOCK - 1)
        prove_output(MODE_3GPP, length, CLOSED, WHOLE);
    prove_output(MODE_3GPP, BLOCK, KEY_INPUT, FQDN | UA);
    if (SHAPE == DERIVATION_E2E) {
        prove_mode(MODE_3GPP);
        prove_mode(MODE_HKDF);
    }
}
