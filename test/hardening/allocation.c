/*
 * allocation - every allocation in turn fails, through each step of a life; nothing crashes or
 * leaks
 *
 * Each step ends well or with an error; the same step works once memory is there again; when all is
 * freed, none of the module's blocks live, and no more of OpenSSL's than before.
 *
 * What OpenSSL 3.0 itself cannot do is left out: OSSL_LIB_CTX_new_child(), which every provider
 * calls when it is loaded, crashes at some of its allocations; and a library context whose first
 * fetch ran out of memory never fetches again. So in a cold life, with load and first fetch, the
 * module's own allocations fail; in a warm one, where HMAC was fetched before, all do. To get
 * between OpenSSL and the module when it is loaded, it is opened here and handed over as a built-in
 * provider.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool armed;
static unsigned long seen, failing; /* the failing-th allocation while armed gets nothing */
static unsigned long failed;
static long live, live_ours;

#define BREATH 2 /* blocks: libcrypto's tables grow and shrink a little */
static bool ours_alone, warm;

/* By its source file, which newer builds of libcrypto do not tell of theirs. */
static bool is_ours(const char *file)
{
    return file != NULL && strstr(file, "provider/") != NULL;
}

static bool is_to_fail(const char *file)
{
    if (!armed || ((ours_alone || !warm) && !is_ours(file)) || ++seen != failing)
        return false;
    failed++;
    return true;
}

/* In front of each block: is it the module's own? Aligned for anything that follows. */
union header {
    bool ours;
    max_align_t alignment;
};

static void *count_malloc(size_t size, const char *file, int line)
{
    union header *block = is_to_fail(file) ? NULL : malloc(sizeof(*block) + size);

    (void)line;
    if (block == NULL)
        return NULL;
    block->ours = is_ours(file);
    live++;
    live_ours += block->ours;
    return block + 1;
}

static void *count_realloc(void *old, size_t size, const char *file, int line)
{
    union header *block;

    if (old == NULL)
        return count_malloc(size, file, line);
    block = is_to_fail(file) ? NULL : realloc((union header *)old - 1, sizeof(*block) + size);
    return block == NULL ? NULL : block + 1;
}

static void count_free(void *old, const char *file, int line)
{
    union header *block = old == NULL ? NULL : (union header *)old - 1;

    (void)file, (void)line;
    if (block == NULL)
        return;
    live--;
    live_ours -= block->ours;
    free(block);
}

/* Do one step with memory failing, and once more if that failed. */
#define STEP(result, call, what)     \
    do {                             \
        armed = true;                \
        (result) = (call);           \
        armed = false;               \
        if (!(result)) {             \
            expect_error(what);      \
            (result) = (call);       \
        }                            \
        if (!(result))               \
            fail("%s: again", what); \
    } while (0)

static void expect_error(const char *what)
{
    if (failed == 0)
        fail("%s: failed with all memory there", what);
    if (ERR_peek_error() == 0)
        fail("%s: failed without an error (allocation %lu)", what, failing);
    ERR_clear_error();
}

static bool is_zero(const unsigned char *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (octets[i] != 0)
            return false;
    return true;
}

static bool derive(EVP_KDF_CTX *ctx, unsigned char *out, size_t length)
{
    memset(out, 0xA5, length);
    if (EVP_KDF_derive(ctx, out, length, NULL) > 0)
        return true;
    if (!is_zero(out, length))
        fail("derive: failed, and left something in the output");
    return false;
}

static bool get(EVP_KDF_CTX *ctx)
{
    unsigned char refresh[255];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
        OSSL_PARAM_construct_end(),
    };

    return EVP_KDF_CTX_get_params(ctx, params) > 0;
}

static void reset_and_free(EVP_KDF_CTX *ctx)
{
    armed = true;
    EVP_KDF_CTX_reset(ctx);
    EVP_KDF_CTX_free(ctx);
    armed = false;
    ERR_clear_error();
}

/* NOLINTNEXTLINE(readability-function-cognitive-complexity): one line per step, STEP() expands */
static void live_once(OSSL_LIB_CTX *libctx, const struct kdf_case *one, unsigned char *key)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    EVP_KDF_CTX *keeper = NULL, *ctx, *copy;
    unsigned char again[CASE_OUT_MAX];
    bool done;

    case_params(one, params);
    if (warm) { /* and the HMAC is not in the pool, because this one keeps it */
        keeper = EVP_KDF_CTX_new(kdf);
        if (EVP_KDF_derive(keeper, again, one->length, params) <= 0)
            fail("warm up");
    }
    STEP(ctx, EVP_KDF_CTX_new(kdf), "new");
    ours_alone = true; /* libcrypto loses some of a library context that it cannot make whole */
    STEP(done, EVP_KDF_CTX_set_params(ctx, params) > 0, "set");
    ours_alone = false;
    STEP(done, derive(ctx, key, one->length), "derive");
    STEP(copy, EVP_KDF_CTX_dup(ctx), "dup");
    STEP(done, get(ctx), "get");
    reset_and_free(ctx);
    STEP(done, derive(copy, again, one->length), "derive of the copy");
    if (memcmp(key, again, one->length) != 0)
        fail("the copy derives another key");
    reset_and_free(copy);
    EVP_KDF_CTX_free(keeper);
    EVP_KDF_free(kdf);
}

static OSSL_provider_init_fn *module_init;

static OSSL_FUNC_core_get_params_fn *core_get_params;

/* The core's answers, and a policy, as if it stood in openssl.cnf. */
static int get_params_with_policy(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
    static const char *const policy[][2] = {
        {"allowed-digests", "SHA2-256:SHA384:SHA512:SHA512-256:SHA3-512"},
        {"allowed-modes", "HKDF:3GPP"},
        {"min-ka-length", "16"},
        {"require-usage", "no"},
        {"allowed-nafs", "naf.example.com:*.example.com"},
        {"allowed-ua-protocols", "0100000007:02*"},
    };

    for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++) {
        OSSL_PARAM *wanted = OSSL_PARAM_locate(params, policy[i][0]);

        if (wanted != NULL)
            (void)OSSL_PARAM_set_utf8_ptr(wanted, policy[i][1]);
    }
    return core_get_params(handle, params);
}

static int armed_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                      const OSSL_DISPATCH **out, void **provctx)
{
    static OSSL_DISPATCH with_policy[100]; /* the core's functions, one of them ours */
    size_t n = 0;
    int done;

    for (; in[n].function_id != 0 && n + 1 < sizeof(with_policy) / sizeof(with_policy[0]); n++) {
        with_policy[n] = in[n];
        if (in[n].function_id == OSSL_FUNC_CORE_GET_PARAMS) {
            core_get_params = OSSL_FUNC_core_get_params(&in[n]);
            with_policy[n].function = (void (*)(void))get_params_with_policy;
        }
    }
    with_policy[n] = (OSSL_DISPATCH){0, NULL};
    armed = ours_alone = true;
    done = module_init(handle, with_policy, out, provctx);
    armed = ours_alone = false;
    return done;
}

/* A key that there was no memory for must not be missing from it. */
static void expect_whole_policy(const OSSL_PROVIDER *akma)
{
    const char *text = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_ptr(AKMA_PROVIDER_PARAM_POLICY, (char **)(uintptr_t)&text, 0),
        OSSL_PARAM_construct_end(),
    };

    if (!OSSL_PROVIDER_get_params(akma, params) || text == NULL ||
        strcmp(text, "allowed-digests = SHA2-256:SHA2-384:SHA2-512:SHA2-512/256:SHA3-512\n"
                     "allowed-modes = 3GPP:HKDF\n"
                     "min-ka-length = 16\n"
                     "require-usage = no\n"
                     "allowed-nafs = naf.example.com:*.example.com\n"
                     "allowed-ua-protocols = 0100000007:02*") != 0)
        fail("allocation %lu failed, and the policy is: %s", failing, text == NULL ? "" : text);
}

/* From load to unload. */
static void live_through(const struct kdf_case *one, unsigned char *key)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *base = OSSL_PROVIDER_load(libctx, "default"), *akma;
    bool done;

    if (!OSSL_PROVIDER_add_builtin(libctx, AKMA_PROVIDER_NAME, armed_init))
        fail("add_builtin");
    akma = OSSL_PROVIDER_load(libctx, AKMA_PROVIDER_NAME);
    if (akma == NULL) {
        expect_error("load");
        akma = OSSL_PROVIDER_load(libctx, AKMA_PROVIDER_NAME);
    }
    expect_whole_policy(akma);
    live_once(libctx, one, key);
    armed = true;
    done = OSSL_PROVIDER_unload(akma);
    armed = false;
    if (!done || !OSSL_PROVIDER_unload(base))
        fail("unload");
    ERR_clear_error();
    OSSL_LIB_CTX_free(libctx);
    OPENSSL_thread_stop(); /* the error stack keeps its texts' memory */
}

static unsigned long go_through(const struct kdf_case *one)
{
    unsigned char key[CASE_OUT_MAX], expected[CASE_OUT_MAX];
    long before;

    failing = 0;
    for (int i = 0; i < 2; i++) /* twice, for what is made once a process */
        live_through(one, expected);
    before = live;
    for (failing = 1;; failing++) {
        seen = failed = 0;
        live_through(one, key);
        if (memcmp(key, expected, one->length) != 0)
            fail("another key after allocation %lu failed", failing);
        if (live > before + BREATH || live_ours != 0)
            fail("%s: allocation %lu failed, and %ld blocks are left", one->algorithm, failing,
                 live - before);
        if (failed == 0)
            return failing - 1;
    }
}

int main(void)
{
    if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
        fail("CRYPTO_set_mem_functions");
    module_init = open_module();
    for (size_t i = 0; i < CASE_COUNT; i++) {
        unsigned long in_cold, in_warm;

        warm = false;
        in_cold = go_through(&cases[i]);
        warm = true;
        in_warm = go_through(&cases[i]);
        if (in_cold == 0 || in_warm <= in_cold) /* in warm ones, libcrypto's as well */
            fail("%s: %lu allocations failed in cold lives, %lu in warm ones", cases[i].algorithm,
                 in_cold, in_warm);
        printf("%s %s: %lu allocations failed in cold lives, %lu in warm ones\n",
               cases[i].algorithm, cases[i].mode == NULL ? "" : cases[i].mode, in_cold, in_warm);
    }
    return EXIT_SUCCESS;
}
