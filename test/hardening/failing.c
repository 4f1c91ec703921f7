/*
 * failing - HMACs that fail at each of their steps in turn, cannot be started again without a key,
 * or give fewer octets than their digest has
 *
 * The derivation gives the right key all the same; or it fails, says so, leaves nothing in the
 * output, and works the next time with what the context had before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"
#include "hmac.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char other_key[AKMA_KEY_LENGTH] = "another key of as many octets..";

/* A case, and the keys it gives: with its parameters, and with another key among them. */
struct tried {
    const struct kdf_case *one;
    unsigned char key[CASE_OUT_MAX], other[CASE_OUT_MAX];
};

/* What a derive changes: the key, and the query by which HMAC is fetched. */
static const OSSL_PARAM changes[] = {
    OSSL_PARAM_octet_string(AKMA_PARAM_KEY, other_key, sizeof(other_key)),
    OSSL_PARAM_utf8_string(AKMA_PARAM_PROPERTIES, "?provider=misbehaving", 21),
    OSSL_PARAM_END,
};

static void set(EVP_KDF_CTX *ctx, const struct kdf_case *one)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];

    case_params(one, params);
    if (EVP_KDF_CTX_set_params(ctx, params) <= 0)
        fail("%s: set", one->algorithm);
}

static void expect_clean_failure(const struct kdf_case *one, const unsigned char *out)
{
    const unsigned char zeros[CASE_OUT_MAX] = {0};
    const unsigned long n = misbehaviour.failing;
    const char *said = "";

    if (memcmp(out, zeros, one->length) != 0)
        fail("%s: output after call %lu failed", one->algorithm, n);
    if (ERR_peek_error() == 0)
        fail("%s: no error after call %lu failed", one->algorithm, n);
    (void)ERR_peek_last_error_data(&said, NULL);
    if (misbehaviour.failed_to_set != (strstr(said, "digest: no provider has") != NULL))
        fail("%s: said \"%s\" after call %lu failed", one->algorithm, said, n);
}

/*
 * Derive with changes or without while the n-th call fails; false: there were not so many. The
 * context gives the key of before when that failed, and the changed one when it did not.
 */
static bool derive_while_failing(EVP_KDF_CTX *ctx, const struct tried *tried, unsigned long n,
                                 bool change)
{
    const struct kdf_case *one = tried->one;
    const unsigned char *key = change ? tried->other : tried->key;
    unsigned char out[CASE_OUT_MAX];
    bool derived, failed;

    memset(out, 0xA5, sizeof(out));
    ERR_clear_error();
    misbehaviour.failed_to_set = false;
    misbehaviour.calls = 0;
    misbehaviour.failing = n;
    derived = EVP_KDF_derive(ctx, out, one->length, change ? changes : NULL) > 0;
    failed = misbehaviour.calls >= n;
    if (derived && memcmp(out, key, one->length) != 0)
        fail("%s: another key after call %lu failed", one->algorithm, n);
    if (!derived)
        expect_clean_failure(one, out);
    misbehaviour.failing = NONE_FAILS;
    expect_key(ctx, one, NULL, derived ? key : tried->key, "after");
    return failed;
}

/* The wipe that lets the HMAC go fails: it must not be used again. */
static void reset_while_failing(EVP_KDF_CTX *ctx)
{
    misbehaviour.calls = 0;
    misbehaviour.failing = 1;
    EVP_KDF_CTX_reset(ctx);
    misbehaviour.failing = NONE_FAILS;
}

/* The module and the HMAC that misbehaves in a library context, and a context that has its inputs.
 */
struct life {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *mac, *akma;
    EVP_KDF *kdf;
    EVP_KDF_CTX *ctx;
};

static void begin(struct life *life, const struct kdf_case *one)
{
    life->libctx = OSSL_LIB_CTX_new();
    life->mac = load_misbehaving(life->libctx);
    life->akma = OSSL_PROVIDER_load(life->libctx, AKMA_PROVIDER_NAME);
    life->kdf = EVP_KDF_fetch(life->libctx, one->algorithm, NULL);
    life->ctx = EVP_KDF_CTX_new(life->kdf);
    set(life->ctx, one);
}

static void end(struct life *life, const struct tried *tried, unsigned long n)
{
    EVP_KDF_CTX_free(life->ctx);
    EVP_KDF_free(life->kdf);
    (void)OSSL_PROVIDER_unload(life->akma);
    (void)OSSL_PROVIDER_unload(life->mac);
    OSSL_LIB_CTX_free(life->libctx);
    if (misbehaviour.contexts != 0)
        fail("%s: %ld HMAC contexts are left after call %lu failed", tried->one->algorithm,
             misbehaviour.contexts, n);
}

/* One life in which the n-th call of a derive fails; false: it has not so many. */
static bool live_through(const struct tried *tried, unsigned long n, bool warm, bool change)
{
    struct life life;
    bool failed;

    begin(&life, tried->one);
    if (warm) { /* with an HMAC from the pool, and another that is keyed already */
        expect_key(life.ctx, tried->one, NULL, tried->key, "before");
        EVP_KDF_CTX_reset(life.ctx);
        set(life.ctx, tried->one);
    }
    if (warm && change)
        expect_key(life.ctx, tried->one, NULL, tried->key, "before");
    failed = derive_while_failing(life.ctx, tried, n, change);
    reset_while_failing(life.ctx);
    set(life.ctx, tried->one);
    expect_key(life.ctx, tried->one, NULL, tried->key, "after a failed wipe");
    end(&life, tried, n);
    return failed;
}

static void go_through(const struct tried *tried, bool warm, bool change)
{
    unsigned long n = 1;

    while (live_through(tried, n, warm, change))
        n++;
    if (n == 1)
        fail("%s: no call of HMAC's failed", tried->one->algorithm);
    printf(" %lu", n - 1);
}

/* An HMAC of too few octets is no key, nor is what follows them. */
static void refuse_short(const struct tried *tried)
{
    unsigned char out[CASE_OUT_MAX];
    struct life life;

    begin(&life, tried->one);
    memset(out, 0xA5, sizeof(out));
    misbehaviour.falls_short = true;
    misbehaviour.failed_to_set = false;
    ERR_clear_error();
    if (EVP_KDF_derive(life.ctx, out, tried->one->length, NULL) > 0)
        fail("%s: a key from an HMAC that fell short", tried->one->algorithm);
    expect_clean_failure(tried->one, out);
    misbehaviour.falls_short = false;
    expect_key(life.ctx, tried->one, NULL, tried->key, "after an HMAC that fell short");
    end(&life, tried, NONE_FAILS);
}

/* OpenSSL's HMAC gives the keys to compare with. */
static void derive_with_default(struct tried *tried)
{
    const OSSL_PARAM other[] = {changes[0], OSSL_PARAM_construct_end()};
    const struct kdf_case *one = tried->one;
    struct loaded loaded;
    EVP_KDF_CTX *ctx;
    EVP_KDF *kdf;

    if (!load(&loaded))
        fail("load");
    kdf = EVP_KDF_fetch(loaded.libctx, one->algorithm, NULL);
    ctx = EVP_KDF_CTX_new(kdf);
    set(ctx, one);
    if (EVP_KDF_derive(ctx, tried->key, one->length, NULL) <= 0 ||
        EVP_KDF_derive(ctx, tried->other, one->length, other) <= 0)
        fail("%s", one->algorithm);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    unload(&loaded);
}

static void go_through_case(const struct kdf_case *one)
{
    struct tried tried = {.one = one};

    derive_with_default(&tried);
    refuse_short(&tried);
    for (int kind = 0; kind < 4; kind++) {
        const bool warm = (kind & 1) != 0, change = (kind & 2) != 0;

        for (enum restart restart = RESTARTS; restart < RESTART_COUNT; restart++) {
            misbehaviour.restart = restart;
            (void)live_through(&tried, NONE_FAILS, warm, change);
        }
        misbehaviour.restart = RESTARTS;
        printf("%s %s%s%s: calls failed:", one->algorithm, one->mode == NULL ? "" : one->mode,
               warm ? " from the pool" : "", change ? " with another key" : "");
        for (int sticky = 0; sticky < 2; sticky++) {
            misbehaviour.sticky = sticky != 0;
            go_through(&tried, warm, change);
        }
        printf("\n");
    }
}

int main(void)
{
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (cases[i].properties == NULL) /* else it asks for the default provider */
            go_through_case(&cases[i]);
    free_misbehaving();
    return EXIT_SUCCESS;
}
