/*
 * The EVP_KDF contract, once for all algorithms
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kdf.h"

#include "inputs.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>
#include <time.h>

struct kdf_ctx {
    const struct provctx *provctx;
    struct prf prf;
    struct inputs inputs;
};

static OSSL_FUNC_kdf_freectx_fn kdf_freectx;
static OSSL_FUNC_kdf_dupctx_fn kdf_dupctx;
static OSSL_FUNC_kdf_reset_fn kdf_reset;
static OSSL_FUNC_kdf_derive_fn kdf_derive;
static OSSL_FUNC_kdf_set_ctx_params_fn kdf_set_ctx_params;
static OSSL_FUNC_kdf_get_ctx_params_fn kdf_get_ctx_params;
static OSSL_FUNC_kdf_gettable_params_fn kdf_gettable_params;
static OSSL_FUNC_kdf_get_params_fn kdf_get_params;

/* Life of a context */

static struct kdf_ctx *ctx_alloc(const struct provctx *provctx)
{
    struct kdf_ctx *ctx = OPENSSL_secure_malloc(sizeof(*ctx));

    if (ctx == NULL) {
        RAISE(&provctx->errors, REASON_MEMORY, "no memory for a context");
        return NULL;
    }
    ctx->provctx = provctx;
    ctx->prf.mac = NULL;
    ctx->prf.holds = HOLDS_NOTHING;
    return ctx;
}

static void *kdf_newctx(const struct provctx *provctx, enum derivation_id derivation)
{
    struct kdf_ctx *ctx = ctx_alloc(provctx);

    if (ctx != NULL)
        inputs_init(&ctx->inputs, &provctx->algorithms[derivation]);
    return ctx;
}

static void release(struct kdf_ctx *ctx)
{
    prf_close(&ctx->prf, ctx->provctx->source);
    inputs_free(&ctx->inputs);
}

static void kdf_freectx(void *vctx)
{
    struct kdf_ctx *ctx = vctx;

    if (ctx == NULL)
        return;
    release(ctx);
    OPENSSL_secure_free(ctx);
}

static void kdf_reset(void *vctx)
{
    struct kdf_ctx *ctx = vctx;

    release(ctx);
    inputs_init(&ctx->inputs, ctx->inputs.algorithm);
}

static void *kdf_dupctx(void *vctx)
{
    const struct kdf_ctx *ctx = vctx;
    struct kdf_ctx *copy = ctx_alloc(ctx->provctx);

    if (copy != NULL && !inputs_copy(&copy->inputs, &ctx->inputs)) {
        RAISE(&ctx->provctx->errors, REASON_MEMORY, "no memory for a copy of the context");
        kdf_freectx(copy);
        copy = NULL;
    }
    return copy;
}

/* Parameters */

/* The HMAC must not go on with what is another value now. */
static void let_go_of_hmac(struct kdf_ctx *ctx, unsigned int changed)
{
    const enum input key = ctx->inputs.algorithm->row->key;

    if ((changed & (INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_PROPERTIES))) != 0)
        prf_close(&ctx->prf, ctx->provctx->source);
    else if ((changed & INPUT_BIT(key)) != 0 ||
             ((changed & INPUT_BIT(INPUT_KA)) != 0 && ctx->prf.holds == HOLDS_PRK))
        prf_spend(&ctx->prf);
}

static bool set_params(struct kdf_ctx *ctx, const OSSL_PARAM params[], struct replaced *replaced)
{
    if (!inputs_set(&ctx->inputs, params, replaced, &ctx->provctx->errors))
        return false;
    let_go_of_hmac(ctx, replaced->changed);
    return true;
}

static int kdf_set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct kdf_ctx *ctx = vctx;
    struct replaced replaced;

    if (!set_params(ctx, params, &replaced))
        return 0;
    inputs_keep(&ctx->inputs, &replaced);
    return 1;
}

static int get_octets(OSSL_PARAM params[], const char *name, struct value value)
{
    OSSL_PARAM *wanted = OSSL_PARAM_locate(params, name);

    return wanted == NULL || OSSL_PARAM_set_octet_string(wanted, value.octets, value.length);
}

static int get_text(OSSL_PARAM params[], const char *name, const char *text)
{
    OSSL_PARAM *wanted = OSSL_PARAM_locate(params, name);

    return wanted == NULL || OSSL_PARAM_set_utf8_string(wanted, text);
}

static int get_size(OSSL_PARAM params[])
{
    OSSL_PARAM *wanted = OSSL_PARAM_locate(params, OSSL_KDF_PARAM_SIZE);

    return wanted == NULL || OSSL_PARAM_set_size_t(wanted, SIZE_MAX);
}

static int get_naf_id(const struct inputs *inputs, OSSL_PARAM params[])
{
    return !inputs_has_naf_id(inputs) ||
           get_octets(params, AKMA_PARAM_NAF_ID, inputs_part(inputs, INPUT_NAF_ID));
}

static int get_e2e(const struct inputs *inputs, OSSL_PARAM params[])
{
    const struct value usage = inputs_part(inputs, INPUT_USAGE);
    char text[AKMA_USAGE_MAX + 1];

    memcpy(text, usage.octets, usage.length);
    text[usage.length] = '\0';
    return get_octets(params, AKMA_PARAM_REFRESH, inputs_part(inputs, INPUT_REFRESH)) &&
           get_text(params, AKMA_PARAM_USAGE, text) &&
           get_text(params, AKMA_PARAM_DIGEST, digests[inputs->settings.digest].name) &&
           get_text(params, AKMA_PARAM_MODE, mode_names[inputs->settings.mode]);
}

static int kdf_get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    const struct kdf_ctx *ctx = vctx;
    const struct inputs *inputs = &ctx->inputs;

    if (params == NULL)
        return 1;
    if (get_size(params) && (!inputs->algorithm->has_naf_id || get_naf_id(inputs, params)) &&
        (!inputs->algorithm->row->e2e || get_e2e(inputs, params)))
        return 1;
    RAISE(&ctx->provctx->errors, REASON_VALUE,
          "a parameter asked for has another type or needs more room than was given");
    return 0;
}

static int kdf_get_params(OSSL_PARAM params[])
{
    return params == NULL || get_size(params);
}

static const OSSL_PARAM *kdf_gettable_params(void *provctx)
{
    static const OSSL_PARAM gettable[] = {OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, NULL),
                                          OSSL_PARAM_END};

    (void)provctx;
    return gettable;
}

/* Deriving */

/* Start an HMAC under the context's key; a state that holds it already is used again. */
static bool start_with_key(struct kdf_ctx *ctx)
{
    const struct octets *key = &ctx->inputs.key;

    if (ctx->prf.holds == HOLDS_KEY)
        return prf_again(&ctx->prf);
    return prf_key(&ctx->prf, HOLDS_KEY, key->data, key->length);
}

/* Write L || 0002 || i || 0001 behind S; returns where i is. */
static unsigned char *write_tail(struct octets *s, size_t length)
{
    const unsigned char tail[S_TAIL] = {
        (unsigned char)(length >> 8), (unsigned char)length, 0, 2, 0, 0, 1};

    memcpy(s->data + s->length, tail, sizeof(tail));
    return s->data + s->length + 4;
}

/* T(i) = HMAC-Hash(Key, S(i)), out = T(1) || T(2) || ... The 3GPP ones have T(1) alone, no i. */
static bool derive_3gpp(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    struct octets *s = &ctx->inputs.s;
    const bool e2e = ctx->inputs.algorithm->row->e2e;
    const size_t s_length = s->length + (e2e ? S_TAIL : 0);
    const size_t size = digests[ctx->inputs.settings.digest].size;
    unsigned char *i = write_tail(s, length);

    for (; length > 0; out += size) {
        const size_t block = length < size ? length : size;

        ++*i;
        if (!start_with_key(ctx) || !prf_update(&ctx->prf, s->data, s_length) ||
            !prf_final(&ctx->prf, out, block))
            return false;
        length -= block;
    }
    return true;
}

/* PRK = HKDF-Extract(salt = Ks_NAF, IKM = FC || P0 || L0 || Ka || La): S up to NAF_Id. */
static bool start_with_prk(struct kdf_ctx *ctx, size_t ikm_length)
{
    const size_t size = digests[ctx->inputs.settings.digest].size;
    unsigned char prk[DIGEST_SIZE_MAX];
    bool done;

    if (ctx->prf.holds == HOLDS_PRK)
        return prf_again(&ctx->prf);
    done = start_with_key(ctx) && prf_update(&ctx->prf, ctx->inputs.s.data, ikm_length) &&
           prf_final(&ctx->prf, prk, size) && prf_key(&ctx->prf, HOLDS_PRK, prk, size);
    OPENSSL_cleanse(prk, sizeof(prk));
    return done;
}

/*
 * RFC 5869: T(i) = HMAC-Hash(PRK, T(i-1) || info || i). info is FC || P0 || L0, then S from NAF_Id
 * to L5; the tail has i right behind it.
 */
static bool derive_hkdf(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    struct octets *s = &ctx->inputs.s;
    const size_t prefix = ctx->inputs.algorithm->prefix;
    const size_t size = digests[ctx->inputs.settings.digest].size;
    const unsigned char *rest = inputs_part(&ctx->inputs, INPUT_NAF_ID).octets;
    unsigned char *i = write_tail(s, length);
    size_t before = 0; /* octets of T(i-1) */

    for (; length > 0; out += size) {
        const size_t block = length < size ? length : size;

        ++*i;
        if (!start_with_prk(ctx, (size_t)(rest - s->data)) ||
            !prf_update(&ctx->prf, out - before, before) ||
            !prf_update(&ctx->prf, s->data, prefix) ||
            !prf_update(&ctx->prf, rest, (size_t)(i + 1 - rest)) ||
            !prf_final(&ctx->prf, out, block))
            return false;
        before = size;
        length -= block;
    }
    return true;
}

static size_t output_max(const struct inputs *inputs)
{
    return inputs->algorithm->row->e2e
               ? AKMA_OUTPUT_BLOCKS_MAX * digests[inputs->settings.digest].size
               : AKMA_OUTPUT_MAX;
}

static bool output_fits(const struct kdf_ctx *ctx, const unsigned char *out, size_t length)
{
    const size_t max = output_max(&ctx->inputs);

    if (out != NULL && length >= 1 && length <= max)
        return true;
    RAISE(&ctx->provctx->errors, REASON_OUTPUT_LENGTH,
          "output: %zu octets asked for%s, 1 to %zu and a buffer wanted", length,
          out == NULL ? " without a buffer" : "", max);
    return false;
}

/* A clock that fails, or is of 32 bits and past its end in 2038, gives a time before 1970. */
static bool key_is_alive(const struct kdf_ctx *ctx)
{
    const struct inputs *inputs = &ctx->inputs;
    int64_t now;

    if ((inputs->settings.present & INPUT_BIT(INPUT_NOT_AFTER)) == 0)
        return true;
    now = (int64_t)time(NULL);
    if (now >= 0 && now <= inputs->settings.not_after)
        return true;
    if (now < 0)
        RAISE(&ctx->provctx->errors, REASON_EXPIRED,
              "not-after: the clock cannot be read, or stands before 1970: set it");
    else
        RAISE(&ctx->provctx->errors, REASON_EXPIRED,
              "not-after: the 3GPP key ended at %lld and it is %lld (seconds since 1970 UTC): "
              "bootstrap a new one",
              (long long)inputs->settings.not_after, (long long)now);
    return false;
}

static bool policy_allows(const struct kdf_ctx *ctx)
{
    const struct policy *policy = ctx->provctx->policy;
    const struct inputs *inputs = &ctx->inputs;
    char reason[POLICY_REASON_SIZE];
    bool allowed = true;

    if (policy_is_empty(policy))
        return true;
    if (inputs->algorithm->has_naf_id) {
        const struct value naf_id = inputs_part(inputs, INPUT_NAF_ID);

        allowed = policy_permits_naf(policy, naf_id.octets, naf_id.length, reason);
    }
    if (allowed && inputs->algorithm->row->e2e) {
        const struct policy_inputs stated = {
            .digest = inputs->settings.digest,
            .mode = inputs->settings.mode,
            .ka_length = inputs_part(inputs, INPUT_KA).length,
            .refresh_length = inputs_part(inputs, INPUT_REFRESH).length,
            .usage_length = inputs_part(inputs, INPUT_USAGE).length,
            .has_not_after = (inputs->settings.present & INPUT_BIT(INPUT_NOT_AFTER)) != 0,
        };

        allowed = policy_permits_e2e(policy, &stated, reason);
    }
    if (!allowed)
        RAISE(&ctx->provctx->errors, REASON_POLICY, "%s", reason);
    return allowed;
}

static bool policy_is_sound(const struct provctx *provctx)
{
    const char *fault = policy_error(provctx->policy);

    if (fault != NULL)
        RAISE(&provctx->errors, REASON_POLICY, "%s", fault);
    return fault == NULL;
}

static bool work(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    const struct provctx *provctx = ctx->provctx;
    bool done;

    if (ctx->prf.mac == NULL && !prf_open(&ctx->prf, provctx->source, ctx->inputs.settings.digest,
                                          ctx->inputs.settings.properties, &provctx->errors))
        return false;
    done = ctx->inputs.settings.mode == MODE_HKDF ? derive_hkdf(ctx, out, length)
                                                  : derive_3gpp(ctx, out, length);
    if (!done) {
        RAISE(&provctx->errors, REASON_HMAC, "HMAC with %s failed, see the errors before this one",
              digests[ctx->inputs.settings.digest].name);
        prf_discard(&ctx->prf);
    }
    return done;
}

static void wipe_output(const struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    if (out != NULL && length <= output_max(&ctx->inputs))
        OPENSSL_cleanse(out, length);
}

/* With what was set until now. */
static bool derive(struct kdf_ctx *ctx, unsigned char *out, size_t length)
{
    return inputs_complete(&ctx->inputs, &ctx->provctx->errors) && output_fits(ctx, out, length) &&
           key_is_alive(ctx) && policy_allows(ctx) && work(ctx, out, length);
}

static int kdf_derive(void *vctx, unsigned char *out, size_t length, const OSSL_PARAM params[])
{
    struct kdf_ctx *ctx = vctx;
    struct replaced replaced;

    replaced.anything = false;
    replaced.changed = 0;

    if (policy_is_sound(ctx->provctx) && set_params(ctx, params, &replaced) &&
        derive(ctx, out, length)) {
        inputs_keep(&ctx->inputs, &replaced);
        return 1;
    }
    wipe_output(ctx, out, length);
    inputs_put_back(&ctx->inputs, &replaced);
    let_go_of_hmac(ctx, replaced.changed);
    return 0;
}

/*
 * The functions that differ by algorithm: the core calls them with nothing but the provider
 * context, so each row has its own.
 */
#define ROW(id, ...)                                                                    \
    static OSSL_FUNC_kdf_newctx_fn newctx_##id;                                         \
    static OSSL_FUNC_kdf_settable_ctx_params_fn settable_##id;                          \
    static OSSL_FUNC_kdf_gettable_ctx_params_fn gettable_##id;                          \
    static void *newctx_##id(void *provctx)                                             \
    {                                                                                   \
        return kdf_newctx(provctx, DERIVATION_##id);                                    \
    }                                                                                   \
    static const OSSL_PARAM *settable_##id(void *vctx, void *provctx)                   \
    {                                                                                   \
        (void)vctx;                                                                     \
        return ((const struct provctx *)provctx)->algorithms[DERIVATION_##id].settable; \
    }                                                                                   \
    static const OSSL_PARAM *gettable_##id(void *vctx, void *provctx)                   \
    {                                                                                   \
        (void)vctx;                                                                     \
        return ((const struct provctx *)provctx)->algorithms[DERIVATION_##id].gettable; \
    }                                                                                   \
    static const OSSL_DISPATCH dispatch_##id[] = {                                      \
        {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))newctx_##id},                            \
        {OSSL_FUNC_KDF_FREECTX, (void (*)(void))kdf_freectx},                           \
        {OSSL_FUNC_KDF_DUPCTX, (void (*)(void))kdf_dupctx},                             \
        {OSSL_FUNC_KDF_RESET, (void (*)(void))kdf_reset},                               \
        {OSSL_FUNC_KDF_DERIVE, (void (*)(void))kdf_derive},                             \
        {OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (void (*)(void))settable_##id},             \
        {OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))kdf_set_ctx_params},             \
        {OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, (void (*)(void))gettable_##id},             \
        {OSSL_FUNC_KDF_GET_CTX_PARAMS, (void (*)(void))kdf_get_ctx_params},             \
        {OSSL_FUNC_KDF_GETTABLE_PARAMS, (void (*)(void))kdf_gettable_params},           \
        {OSSL_FUNC_KDF_GET_PARAMS, (void (*)(void))kdf_get_params},                     \
        {0, NULL},                                                                      \
    };
DERIVATIONS(ROW)
#undef ROW

const OSSL_DISPATCH *const kdf_dispatch[DERIVATION_COUNT] = {
#define ROW(id, ...) [DERIVATION_##id] = dispatch_##id,
    DERIVATIONS(ROW)
#undef ROW
};
