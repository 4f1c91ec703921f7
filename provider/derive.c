/*
 * Deriving from what a context was given: every check, then a mode
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "derive.h"

#include "uninitialized.h"

#include <openssl/crypto.h>
#include <time.h>

bool derive_is_allowed(const struct provctx *provctx)
{
    const char *fault = policy_error(provctx->policy);

    if (fault != NULL)
        RAISE(&provctx->errors, REASON_POLICY, "%s", fault);
    return fault == NULL;
}

/*
 * Are Ka and Ks_NAF the same octets? Both are of 32 then. The answer tells that a call is refused,
 * and no more of its octets.
 */
static bool declassified_are_equal(const struct octets *ks_naf, const struct value *ka)
{
    volatile bool equal = false; /* one branch here, and none behind it sees more than the answer */
    unsigned char difference = 0;

    if (ka->length != AKMA_KEY_LENGTH)
        return false;
    for (size_t i = 0; i < AKMA_KEY_LENGTH; i++) /* inline: CRYPTO_memcmp() takes longer */
        difference |= ks_naf->data[i] ^ ka->octets[i];
    if (difference == 0)
        equal = true;
    return equal;
}

/* One key given for both is known to the operator. */
static bool keys_differ(const struct kdf_ctx *ctx)
{
    const struct inputs *inputs = &ctx->inputs;
    struct value ka;

    if (ctx->keys_differ || !has_input(inputs->algorithm->taken, INPUT_KA))
        return true;
    ka = s_part(&inputs->s, INPUT_KA);
    if (!declassified_are_equal(&inputs->key, &ka))
        return true;
    RAISE(&ctx->provctx->errors, REASON_VALUE,
          "ka: the same octets as ks-naf; give the third party's own key, which the operator does "
          "not have");
    return false;
}

static size_t output_max(const struct inputs *inputs)
{
    return inputs->algorithm->row->blocks * digests[inputs->settings.digest].size;
}

static bool output_fits(const struct kdf_ctx *ctx, const unsigned char *out, size_t length)
{
    const size_t least = ctx->inputs.algorithm->row->least, max = output_max(&ctx->inputs);
    const char *without = out == NULL ? " without a buffer" : "";

    if (out != NULL && length >= least && length <= max)
        return true;
    if (least == max)
        RAISE(&ctx->provctx->errors, REASON_OUTPUT_LENGTH,
              "output: %zu octets asked for%s; ask for exactly %zu, with a buffer", length, without,
              max);
    else
        RAISE(&ctx->provctx->errors, REASON_OUTPUT_LENGTH,
              "output: %zu octets asked for%s; ask for %zu to %zu, with a buffer", length, without,
              least, max);
    return false;
}

/* A clock that fails, or has 32 bits and is past their end in 2038, gives a time before 1970. */
static bool key_is_alive(const struct kdf_ctx *ctx)
{
    const struct settings *settings = &ctx->inputs.settings;
    int64_t now;

    if (!has_input(settings->present, INPUT_NOT_AFTER))
        return true;
    now = (int64_t)time(NULL);
    if (now >= 0 && now <= settings->not_after)
        return true;
    if (now < 0)
        RAISE(&ctx->provctx->errors, REASON_EXPIRED,
              "not-after: the clock cannot be read, or is before 1970: set it");
    else
        RAISE(&ctx->provctx->errors, REASON_EXPIRED,
              "not-after: the 3GPP key ended at %lld and it is %lld (seconds since 1970 UTC): "
              "bootstrap a new one",
              (long long)settings->not_after, (long long)now);
    return false;
}

static bool policy_allows(const struct kdf_ctx *ctx)
{
    UNINITIALIZED char reason[POLICY_REASON_SIZE];

    if (policy_permits(ctx->provctx->policy, &ctx->inputs, reason))
        return true;
    RAISE(&ctx->provctx->errors, REASON_POLICY, "%s", reason);
    return false;
}

static bool work(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    const struct provctx *provctx = ctx->provctx;
    struct inputs *inputs = &ctx->inputs;
    const struct settings *settings = &inputs->settings;

    if (ctx->prf.mac == NULL && !prf_open(&ctx->prf, provctx->source, settings->digest,
                                          settings->properties, &provctx->errors))
        return false;
    if (modes[settings->mode].derive(&ctx->prf, &inputs->key, &inputs->s, out, length))
        return true;
    RAISE(&provctx->errors, REASON_HMAC, "HMAC with %s failed; see the errors before this one",
          digests[settings->digest].name);
    prf_discard(&ctx->prf);
    return false;
}

bool derive(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    if (inputs_complete(&ctx->inputs, &ctx->provctx->errors) && keys_differ(ctx) &&
        output_fits(ctx, out, length) && key_is_alive(ctx) && policy_allows(ctx) &&
        work(ctx, out, length)) {
        ctx->keys_differ = true; /* no sooner: a call that fails puts its keys back */
        return true;
    }
    cleanse_output(ctx, out, length);
    return false;
}

void cleanse_output(const struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    if (out != NULL && length <= output_max(&ctx->inputs))
        OPENSSL_cleanse(out, length);
}
