/*
 * The EVP_KDF contract, once for all algorithms
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kdf.h"

#include "derive.h"
#include "uninitialized.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

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
    ctx->prf.key_state = KEY_NONE;
    ctx->keys_differ = false;
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
    ctx->keys_differ = false;
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

/* The HMAC must not continue with a value that was replaced. */
static void invalidate_hmac(struct kdf_ctx *ctx, unsigned int changed)
{
    const struct derivation *row = ctx->inputs.algorithm->row;

    if ((changed & (INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_PROPERTIES))) != 0)
        prf_close(&ctx->prf, ctx->provctx->source);
    else if (has_input(changed, row->key) ||
             (has_input(changed, row->parts[0]) && ctx->prf.key_state == KEY_PRK))
        prf_invalidate(&ctx->prf);
}

static bool set(struct kdf_ctx *ctx, const OSSL_PARAM given[], struct inputs_undo *undo)
{
    if (!inputs_begin(&ctx->inputs, given, undo, &ctx->provctx->errors))
        return false;
    if (undo->changed != 0) {
        ctx->keys_differ = false;
        invalidate_hmac(ctx, undo->changed);
    }
    return true;
}

static int kdf_set_ctx_params(void *vctx, const OSSL_PARAM given[])
{
    struct kdf_ctx *ctx = vctx;
    UNINITIALIZED struct inputs_undo undo;

    if (!set(ctx, given, &undo))
        return 0;
    inputs_commit(&ctx->inputs, &undo);
    return 1;
}

static int get_size(OSSL_PARAM wanted[])
{
    OSSL_PARAM *size = OSSL_PARAM_locate(wanted, OSSL_KDF_PARAM_SIZE);

    return size == NULL || OSSL_PARAM_set_size_t(size, SIZE_MAX);
}

static int give_text(OSSL_PARAM *wanted, const struct value *value)
{
    char *text = OPENSSL_strndup((const char *)value->octets, value->length);
    const int given = text != NULL && OSSL_PARAM_set_utf8_string(wanted, text);

    OPENSSL_free(text);
    return given;
}

static int give(OSSL_PARAM *wanted, const struct inputs *inputs, const struct param *param)
{
    struct value part;

    if (param->setting != NULL)
        return OSSL_PARAM_set_utf8_string(wanted, param->setting->text(&inputs->settings));
    part = s_part(&inputs->s, param->input);
    return param->type == OSSL_PARAM_UTF8_STRING
               ? give_text(wanted, &part)
               : OSSL_PARAM_set_octet_string(wanted, part.octets, part.length);
}

static int kdf_get_ctx_params(void *vctx, OSSL_PARAM wanted[])
{
    const struct kdf_ctx *ctx = vctx;
    const struct inputs *inputs = &ctx->inputs;
    int given;

    if (wanted == NULL)
        return 1;
    given = get_size(wanted);
    for (; given && wanted->key != NULL; wanted++) {
        const struct param *param = algorithm_param(inputs->algorithm, wanted->key);

        if (param != NULL && (param->traits & READABLE) != 0 && inputs_has(inputs, param->input))
            given = give(wanted, inputs, param);
    }
    if (!given)
        RAISE(&ctx->provctx->errors, REASON_VALUE,
              "a parameter asked for has another type or needs more room than was given");
    return given;
}

static int kdf_get_params(OSSL_PARAM wanted[])
{
    return wanted == NULL || get_size(wanted);
}

static const OSSL_PARAM *kdf_gettable_params(void *provctx)
{
    static const OSSL_PARAM gettable[] = {OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, NULL),
                                          OSSL_PARAM_END};

    (void)provctx;
    return gettable;
}

/* Deriving */

static int kdf_derive(void *vctx, unsigned char *out, size_t length, const OSSL_PARAM given[])
{
    struct kdf_ctx *ctx = vctx;
    UNINITIALIZED struct inputs_undo undo;

    if (!derive_is_allowed(ctx->provctx) || !set(ctx, given, &undo)) {
        cleanse_output(ctx, out, length);
        return 0;
    }
    if (derive(ctx, out, length)) {
        inputs_commit(&ctx->inputs, &undo);
        return 1;
    }
    inputs_rollback(&ctx->inputs, &undo); /* an HMAC that set() invalidated stays so */
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
