/*
 * OpenSSL's HMAC behind a provider of the drivers' own, which misbehaves when told to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hmac.h"

#include "cases.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define FILLER 0xA5 /* what is left where it wrote nothing */

struct misbehaviour misbehaviour;

static const void *broken; /* the HMAC that goes on failing */

static bool is_to_fail(const void *ctx)
{
    if (++misbehaviour.calls == misbehaviour.failing && misbehaviour.sticky)
        broken = ctx;
    return misbehaviour.calls == misbehaviour.failing || (ctx != NULL && ctx == broken);
}

/* An HMAC of OpenSSL's own, from the default library context. */
static OSSL_FUNC_mac_newctx_fn hmac_new;
static OSSL_FUNC_mac_dupctx_fn hmac_dup;
static OSSL_FUNC_mac_freectx_fn hmac_free;
static OSSL_FUNC_mac_init_fn hmac_init;
static OSSL_FUNC_mac_update_fn hmac_update;
static OSSL_FUNC_mac_final_fn hmac_final;
static OSSL_FUNC_mac_gettable_ctx_params_fn hmac_gettable;
static OSSL_FUNC_mac_get_ctx_params_fn hmac_get;
static OSSL_FUNC_mac_settable_ctx_params_fn hmac_settable;
static OSSL_FUNC_mac_set_ctx_params_fn hmac_set;

static EVP_MAC *real;

static EVP_MAC_CTX *counted(EVP_MAC_CTX *ctx)
{
    misbehaviour.contexts += ctx != NULL;
    return ctx;
}

static void *hmac_new(void *provctx)
{
    (void)provctx;
    return is_to_fail(NULL) ? NULL : counted(EVP_MAC_CTX_new(real));
}

static void *hmac_dup(void *ctx)
{
    return is_to_fail(ctx) ? NULL : counted(EVP_MAC_CTX_dup(ctx));
}

static void hmac_free(void *ctx)
{
    if (ctx == broken)
        broken = NULL;
    misbehaviour.contexts -= ctx != NULL;
    EVP_MAC_CTX_free(ctx);
}

static int hmac_init(void *ctx, const unsigned char *key, size_t length, const OSSL_PARAM params[])
{
    if (is_to_fail(ctx))
        return 0;
    if (key == NULL && misbehaviour.restart != RESTARTS)
        return misbehaviour.restart != REFUSES;
    return EVP_MAC_init(ctx, key, length, params);
}

static int hmac_update(void *ctx, const unsigned char *in, size_t length)
{
    return !is_to_fail(ctx) && EVP_MAC_update(ctx, in, length);
}

static int hmac_final(void *ctx, unsigned char *out, size_t *length, size_t size)
{
    EVP_MAC_CTX *copy = misbehaviour.restart == GOES_ON ? EVP_MAC_CTX_dup(ctx) : NULL;
    const int done = EVP_MAC_final(copy == NULL ? ctx : copy, out, length, size);

    EVP_MAC_CTX_free(copy);
    if (done && misbehaviour.falls_short)
        out[--*length] = FILLER;
    /* what a failing HMAC leaves behind is not to be seen either */
    return done && !is_to_fail(ctx);
}

static const OSSL_PARAM *hmac_gettable(void *ctx, void *provctx)
{
    (void)ctx, (void)provctx;
    return EVP_MAC_gettable_ctx_params(real);
}

static int hmac_get(void *ctx, OSSL_PARAM params[])
{
    return EVP_MAC_CTX_get_params(ctx, params);
}

static const OSSL_PARAM *hmac_settable(void *ctx, void *provctx)
{
    (void)ctx, (void)provctx;
    return EVP_MAC_settable_ctx_params(real);
}

static int hmac_set(void *ctx, const OSSL_PARAM params[])
{
    misbehaviour.failed_to_set = is_to_fail(ctx);
    return !misbehaviour.failed_to_set && EVP_MAC_CTX_set_params(ctx, params);
}

static const OSSL_DISPATCH hmac_functions[] = {
    {OSSL_FUNC_MAC_NEWCTX, (void (*)(void))hmac_new},
    {OSSL_FUNC_MAC_DUPCTX, (void (*)(void))hmac_dup},
    {OSSL_FUNC_MAC_FREECTX, (void (*)(void))hmac_free},
    {OSSL_FUNC_MAC_INIT, (void (*)(void))hmac_init},
    {OSSL_FUNC_MAC_UPDATE, (void (*)(void))hmac_update},
    {OSSL_FUNC_MAC_FINAL, (void (*)(void))hmac_final},
    {OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, (void (*)(void))hmac_gettable},
    {OSSL_FUNC_MAC_GET_CTX_PARAMS, (void (*)(void))hmac_get},
    {OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, (void (*)(void))hmac_settable},
    {OSSL_FUNC_MAC_SET_CTX_PARAMS, (void (*)(void))hmac_set},
    {0, NULL},
};

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM macs[] = {
        {"HMAC", "provider=misbehaving,fips=yes", hmac_functions,
         "HMAC that misbehaves when told to"},
        {NULL, NULL, NULL, NULL},
    };

    (void)provctx;
    *no_cache = 0;
    if (operation == OSSL_OP_MAC && misbehaviour.on_query != NULL)
        misbehaviour.on_query();
    return operation == OSSL_OP_MAC ? macs : NULL;
}

int misbehaving_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                     const OSSL_DISPATCH **out, void **provctx)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {0, NULL},
    };
    static int context;

    (void)handle, (void)in;
    *out = functions;
    *provctx = &context;
    return 1;
}

bool misbehave_with_hmac_of(OSSL_LIB_CTX *libctx)
{
    if (real == NULL)
        real = EVP_MAC_fetch(libctx, "HMAC", NULL);
    return real != NULL;
}

OSSL_PROVIDER *load_misbehaving(OSSL_LIB_CTX *libctx)
{
    OSSL_PROVIDER *provider = NULL;

    if (misbehave_with_hmac_of(NULL) &&
        OSSL_PROVIDER_add_builtin(libctx, "misbehaving", misbehaving_init))
        provider = OSSL_PROVIDER_load(libctx, "misbehaving");
    if (provider == NULL)
        fail("no HMAC to misbehave with");
    return provider;
}

void free_misbehaving(void)
{
    EVP_MAC_free(real);
    real = NULL;
}
