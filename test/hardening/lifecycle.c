/*
 * lifecycle - every algorithm, mode, error and life cycle, for the tools that watch memory and
 * threads
 *
 *     lifecycle once             all of it, one after the other
 *     lifecycle threads <rounds> the same in eight threads, load and unload beside derive
 *     lifecycle late             contexts and algorithms that outlive their library context
 *     lifecycle exit             an algorithm that an exit handler frees, as akma/kdf.h says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8

static void expect_failure(int result, const char *what)
{
    if (result > 0)
        fail("%s: went well", what);
    if (ERR_peek_error() == 0)
        fail("%s: failed without an error", what);
    ERR_clear_error();
}

/* Every kind of refusal, on a context that is to work on as if nothing had been. */
static void go_through_errors(EVP_KDF_CTX *ctx, const struct kdf_case *one)
{
    static unsigned char hex[64] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    unsigned char out[CASE_OUT_MAX];
    int integer = 1;
    OSSL_PARAM refused[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, hex, 0),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, NULL, 32),
        OSSL_PARAM_construct_int(AKMA_PARAM_KEY, &integer),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_KEY, (char *)hex, 32),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_PROPERTIES, hex, 1),
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        OSSL_PARAM params[] = {refused[i], OSSL_PARAM_construct_end()};
        OSSL_PARAM twice[] = {refused[i], refused[i], OSSL_PARAM_construct_end()};

        expect_failure(EVP_KDF_CTX_set_params(ctx, params), "a bad set");
        expect_failure(EVP_KDF_CTX_set_params(ctx, twice), "a bad set, twice");
        expect_failure(EVP_KDF_derive(ctx, out, one->length, params), "a bad derive");
    }
    if (strcmp(one->algorithm, AKMA_KDF_3GPP) != 0) {
        OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, hex, sizeof(hex)),
                               OSSL_PARAM_construct_end()};

        expect_failure(EVP_KDF_CTX_set_params(ctx, params), "hex text");
    }
    expect_failure(EVP_KDF_derive(ctx, out, 0, NULL), "no output");
    expect_failure(EVP_KDF_derive(ctx, out, (size_t)1 << 20, NULL), "too much output");
    expect_failure(EVP_KDF_derive(ctx, NULL, one->length, NULL), "no buffer");
}

static void go_through_getters(EVP_KDF_CTX *ctx)
{
    unsigned char octets[300];
    char text[300];
    size_t size = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_KDF_PARAM_SIZE, &size),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_NAF_ID, octets, sizeof(octets)),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, octets, sizeof(octets)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_USAGE, text, sizeof(text)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, text, sizeof(text)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, text, sizeof(text)),
        OSSL_PARAM_construct_end(),
    };

    if (!EVP_KDF_CTX_get_params(ctx, params) || size != SIZE_MAX)
        fail("get");
}

/* Replace what is longer than what is saved without an allocation; it holds no secret. */
static void replace_long_parts(const EVP_KDF_CTX *ctx, const struct kdf_case *one)
{
    static unsigned char refresh[AKMA_REFRESH_MAX];
    char usage[AKMA_USAGE_MAX + 1] = "";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_USAGE, usage, 0),
        OSSL_PARAM_construct_end(),
    };
    unsigned char out[CASE_OUT_MAX];
    EVP_KDF_CTX *copy = EVP_KDF_CTX_dup(ctx);

    memset(usage, 'u', AKMA_USAGE_MAX);
    params[1].data_size = AKMA_USAGE_MAX;
    for (int i = 0; i < 2; i++)
        if (EVP_KDF_CTX_set_params(copy, params) <= 0 ||
            EVP_KDF_derive(copy, out, one->length, params) <= 0)
            fail("%s: long parts", one->algorithm);
    expect_failure(EVP_KDF_derive(copy, out, 0, params), "long parts, no output");
    EVP_KDF_CTX_free(copy);
}

static void go_through_case(OSSL_LIB_CTX *libctx, const struct kdf_case *one)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char key[CASE_OUT_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf), *copy;

    case_params(one, params);
    if (ctx == NULL || EVP_KDF_derive(ctx, key, one->length, params) <= 0)
        fail("%s", one->algorithm);
    go_through_errors(ctx, one);
    go_through_getters(ctx);
    replace_long_parts(ctx, one);
    expect_key(ctx, one, NULL, key, "again");
    copy = EVP_KDF_CTX_dup(ctx);
    if (copy == NULL)
        fail("dup");
    EVP_KDF_CTX_reset(ctx);
    expect_failure(EVP_KDF_derive(ctx, key, 0, NULL), "derive after reset");
    expect_key(copy, one, NULL, key, "copy");
    expect_key(ctx, one, params, key, "after reset");
    EVP_KDF_CTX_free(ctx);
    expect_key(copy, one, params, key, "copy alone");
    EVP_KDF_CTX_free(copy);
    EVP_KDF_free(kdf);
}

static void go_through_all(void)
{
    struct loaded loaded;

    if (!load(&loaded))
        fail("load");
    for (size_t i = 0; i < CASE_COUNT; i++)
        go_through_case(loaded.libctx, &cases[i]);
    unload(&loaded);
}

/* Derive, and free, when the library context is gone. */
static void outlive(const char *const names[2], const struct kdf_case *one, bool algorithm_first)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *first = OSSL_PROVIDER_load(libctx, names[0]);
    OSSL_PROVIDER *second = OSSL_PROVIDER_load(libctx, names[1]);
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char key[CASE_OUT_MAX];

    case_params(one, params);
    if (ctx == NULL || EVP_KDF_derive(ctx, key, one->length, params) <= 0)
        fail("%s", one->algorithm);
    (void)OSSL_PROVIDER_unload(first);
    (void)OSSL_PROVIDER_unload(second);
    OSSL_LIB_CTX_free(libctx);
    expect_key(ctx, one, NULL, key, "without a library context");
    if (algorithm_first)
        EVP_KDF_free(kdf);
    EVP_KDF_CTX_free(ctx);
    if (!algorithm_first)
        EVP_KDF_free(kdf);
}

/* Every provider is unloaded, and loaded again: nobody is told of it who was freed meanwhile. */
static void come_back(const struct kdf_case *one)
{
    struct loaded loaded;

    if (!load(&loaded))
        fail("load");
    for (int round = 0; round < 3; round++) {
        go_through_case(loaded.libctx, one);
        (void)OSSL_PROVIDER_unload(loaded.akma);
        (void)OSSL_PROVIDER_unload(loaded.base);
        loaded.base = OSSL_PROVIDER_load(loaded.libctx, "default");
        loaded.akma = OSSL_PROVIDER_load(loaded.libctx, AKMA_PROVIDER_NAME);
    }
    go_through_case(loaded.libctx, one);
    unload(&loaded);
}

static void go_through_late(void)
{
    static const char *const orders[][2] = {{"default", "akma"}, {"akma", "default"}};

    for (size_t i = 0; i < CASE_COUNT; i++)
        for (size_t order = 0; order < 2; order++) {
            outlive(orders[order], &cases[i], false);
            outlive(orders[order], &cases[i], true);
        }
    come_back(&cases[0]);
}

static EVP_KDF *kept;

static void free_kept(void)
{
    EVP_KDF_free(kept);
}

/* Exit handlers run in the reverse order: libcrypto's own, which was registered first, comes last.
 */
static void go_through_exit(void)
{
    OSSL_PROVIDER *base, *akma;

    if (!OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) || atexit(free_kept) != 0)
        fail("start");
    base = OSSL_PROVIDER_load(NULL, "default");
    akma = OSSL_PROVIDER_load(NULL, AKMA_PROVIDER_NAME);
    kept = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    if (kept == NULL || !OSSL_PROVIDER_unload(akma) || !OSSL_PROVIDER_unload(base))
        fail("fetch");
}

/* In turns: one's own library context, or one that all threads share. */
struct task {
    OSSL_LIB_CTX *shared;
    unsigned long rounds;
    bool loads;
};

static void *work(void *argument)
{
    const struct task *task = argument;

    for (unsigned long round = 0; round < task->rounds; round++) {
        if (task->loads)
            go_through_all();
        else
            for (size_t i = 0; i < CASE_COUNT; i++)
                go_through_case(task->shared, &cases[i]);
    }
    OPENSSL_thread_stop();
    return NULL;
}

static void go_through_threads(unsigned long rounds)
{
    pthread_t threads[THREADS];
    struct task tasks[THREADS];
    struct loaded loaded;

    if (!load(&loaded))
        fail("load");
    for (size_t i = 0; i < THREADS; i++) {
        tasks[i] = (struct task){loaded.libctx, rounds, i < 2};
        if (pthread_create(&threads[i], NULL, work, &tasks[i]) != 0)
            fail("pthread_create");
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    unload(&loaded);
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "once") == 0)
        go_through_all();
    else if (argc == 2 && strcmp(argv[1], "late") == 0)
        go_through_late();
    else if (argc == 2 && strcmp(argv[1], "exit") == 0)
        go_through_exit();
    else if (argc == 3 && strcmp(argv[1], "threads") == 0)
        go_through_threads(strtoul(argv[2], NULL, 10));
    else
        fail("lifecycle once | late | exit | threads <rounds>");
    return EXIT_SUCCESS;
}
