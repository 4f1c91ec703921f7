/*
 * failing - an HMAC that fails at each of its steps in turn, beneath every algorithm
 *
 * A provider of this program's own offers HMAC, passes everything on to OpenSSL's, and fails the
 * n-th call it gets. The derivation fails, says so, leaves nothing in the output, and works the
 * next time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long calls, failing; /* the failing-th call fails; 0: none */

static bool sticky;        /* an HMAC that has failed goes on failing until it is freed */
static const void *broken; /* such a one */

static bool is_to_fail(const void *ctx)
{
    if (++calls == failing && sticky)
        broken = ctx;
    return calls == failing || (ctx != NULL && ctx == broken);
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

static void *hmac_new(void *provctx)
{
    (void)provctx;
    return is_to_fail(NULL) ? NULL : EVP_MAC_CTX_new(real);
}

static void *hmac_dup(void *ctx)
{
    return is_to_fail(ctx) ? NULL : EVP_MAC_CTX_dup(ctx);
}

static void hmac_free(void *ctx)
{
    if (ctx == broken)
        broken = NULL;
    EVP_MAC_CTX_free(ctx);
}

static int hmac_init(void *ctx, const unsigned char *key, size_t length, const OSSL_PARAM params[])
{
    return !is_to_fail(ctx) && EVP_MAC_init(ctx, key, length, params);
}

static int hmac_update(void *ctx, const unsigned char *in, size_t length)
{
    return !is_to_fail(ctx) && EVP_MAC_update(ctx, in, length);
}

static int hmac_final(void *ctx, unsigned char *out, size_t *length, size_t size)
{
    /* what a failing HMAC leaves behind is not to be seen either */
    return EVP_MAC_final(ctx, out, length, size) && !is_to_fail(ctx);
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

static bool failed_to_set;

static int hmac_set(void *ctx, const OSSL_PARAM params[])
{
    failed_to_set = is_to_fail(ctx);
    return !failed_to_set && EVP_MAC_CTX_set_params(ctx, params);
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
        {"HMAC", "provider=failing", hmac_functions, "HMAC that fails when told to"},
        {NULL, NULL, NULL, NULL},
    };

    (void)provctx;
    *no_cache = 0;
    return operation == OSSL_OP_MAC ? macs : NULL;
}

static int failing_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
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

static void set(EVP_KDF_CTX *ctx, const struct kdf_case *one)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];

    case_params(one, params);
    if (EVP_KDF_CTX_set_params(ctx, params) <= 0)
        fail("%s: set", one->algorithm);
}

/* Derive while one call fails; false: there were not so many, and the key is right. */
static bool fails_cleanly(EVP_KDF_CTX *ctx, const struct kdf_case *one, const unsigned char *key)
{
    unsigned char out[CASE_OUT_MAX], zeros[CASE_OUT_MAX] = {0};
    const char *said = "";

    failed_to_set = false;
    memset(out, 0xA5, sizeof(out));
    ERR_clear_error();
    if (EVP_KDF_derive(ctx, out, one->length, NULL) > 0) {
        if (calls >= failing || memcmp(out, key, one->length) != 0)
            fail("%s: derived although call %lu failed", one->algorithm, failing);
        return false;
    }
    if (memcmp(out, zeros, one->length) != 0)
        fail("%s: output after call %lu failed", one->algorithm, failing);
    if (ERR_peek_error() == 0)
        fail("%s: no error after call %lu failed", one->algorithm, failing);
    (void)ERR_peek_last_error_data(&said, NULL);
    if (failed_to_set != (strstr(said, "digest: no provider has") != NULL))
        fail("%s: said \"%s\" after call %lu failed", one->algorithm, said, failing);
    return true;
}

/* One life in which the n-th call of a derive fails; false: it has not so many. */
static bool live_through(unsigned long n, bool warm, const struct kdf_case *one,
                         const unsigned char *key)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *mac, *akma;
    EVP_KDF_CTX *ctx;
    EVP_KDF *kdf;
    bool failed;

    if (!OSSL_PROVIDER_add_builtin(libctx, "failing", failing_init))
        fail("add_builtin");
    mac = OSSL_PROVIDER_load(libctx, "failing");
    akma = OSSL_PROVIDER_load(libctx, AKMA_PROVIDER_NAME);
    kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    ctx = EVP_KDF_CTX_new(kdf);
    set(ctx, one);
    if (warm) { /* with an HMAC from the pool, and another that is keyed already */
        expect_key(ctx, one, NULL, key, "before");
        EVP_KDF_CTX_reset(ctx);
        set(ctx, one);
    }
    calls = 0;
    failing = n;
    failed = fails_cleanly(ctx, one, key);
    failing = 0;
    expect_key(ctx, one, NULL, key, "after");
    calls = 0;
    failing = 1; /* the wipe that lets the HMAC go fails: it must not be used again */
    EVP_KDF_CTX_reset(ctx);
    failing = 0;
    set(ctx, one);
    expect_key(ctx, one, NULL, key, "after a failed wipe");
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    (void)OSSL_PROVIDER_unload(akma);
    (void)OSSL_PROVIDER_unload(mac);
    OSSL_LIB_CTX_free(libctx);
    return failed;
}

static unsigned long go_through(const struct kdf_case *one, bool warm, const unsigned char *key)
{
    unsigned long n = 1;

    while (live_through(n, warm, one, key))
        n++;
    return n - 1;
}

/* OpenSSL's HMAC gives the key to compare with. */
static void derive_with_default(const struct kdf_case *one, unsigned char *key)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    struct loaded loaded;
    EVP_KDF *kdf;
    EVP_KDF_CTX *ctx;

    case_params(one, params);
    if (!load(&loaded))
        fail("load");
    kdf = EVP_KDF_fetch(loaded.libctx, one->algorithm, NULL);
    ctx = EVP_KDF_CTX_new(kdf);
    if (EVP_KDF_derive(ctx, key, one->length, params) <= 0)
        fail("%s", one->algorithm);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    unload(&loaded);
}

int main(void)
{
    real = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (real == NULL)
        fail("HMAC");
    for (size_t i = 0; i < CASE_COUNT; i++) {
        unsigned char key[CASE_OUT_MAX];

        if (cases[i].properties != NULL)
            continue; /* asks for the default provider */
        derive_with_default(&cases[i], key);
        for (int kind = 0; kind < 2; kind++) {
            sticky = kind != 0;
            printf("%s %s: %lu calls failed at first, %lu later\n", cases[i].algorithm,
                   cases[i].mode == NULL ? "" : cases[i].mode, go_through(&cases[i], false, key),
                   go_through(&cases[i], true, key));
        }
    }
    EVP_MAC_free(real);
    return EXIT_SUCCESS;
}
