/*
 * endless - derivations and loads without end, and what else happens to a long-lived process
 *
 *     endless <derivations> <loads>
 *
 * Resident memory is flat after a warm-up; contexts outlive the unloading of their provider; a
 * forked child of a process with threads derives; library contexts with different providers do not
 * meet; the process ends by OPENSSL_cleanup() with everything still loaded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS     20
#define THREADS   3
#define SLACK_KIB 512 /* of growth: malloc's own bookkeeping */

static long resident_kib(void)
{
    FILE *status = fopen("/proc/self/statm", "r");
    long pages = 0, resident = 0;

    if (status == NULL || fscanf(status, "%ld %ld", &pages, &resident) != 2)
        fail("/proc/self/statm");
    (void)fclose(status);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void expect_flat(long before, const char *what)
{
    const long grown = resident_kib() - before;

    printf("%s: resident memory grew by %ld KiB\n", what, grown);
    if (grown > SLACK_KIB)
        fail("%s: memory grows", what);
}

static void derive_once(OSSL_LIB_CTX *libctx, const struct kdf_case *one)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char out[CASE_OUT_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, one->algorithm, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    case_params(one, params);
    if (EVP_KDF_derive(ctx, out, one->length, params) <= 0)
        fail("%s", one->algorithm);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void derive_endlessly(OSSL_LIB_CTX *libctx, unsigned long count)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char out[CASE_OUT_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, NULL);
    EVP_KDF_CTX *kept = EVP_KDF_CTX_new(kdf);
    long before = 0;

    case_params(&cases[0], params);
    for (unsigned long i = 0; i < count; i++) {
        if (i == count / 10)
            before = resident_kib();
        memcpy(case_ka, &i, sizeof(i));
        if (EVP_KDF_derive(kept, out, 32, params) <= 0)
            fail("derivation %lu", i);
        if (i % 4 == 0)
            derive_once(libctx, &cases[i / 4 % CASE_COUNT]);
    }
    EVP_KDF_CTX_free(kept);
    EVP_KDF_free(kdf);
    expect_flat(before, "derivations");
}

static void load_endlessly(unsigned long count)
{
    long before = 0;

    for (unsigned long i = 0; i < count; i++) {
        struct loaded loaded;

        if (i == count / 10)
            before = resident_kib();
        if (!load(&loaded))
            fail("load %lu", i);
        derive_once(loaded.libctx, &cases[i % CASE_COUNT]);
        unload(&loaded);
    }
    expect_flat(before, "loads");
}

static void outlive_the_provider(void)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char key[CASE_OUT_MAX];
    struct loaded loaded;
    EVP_KDF *kdf;
    EVP_KDF_CTX *ctx;

    case_params(&cases[0], params);
    if (!load(&loaded))
        fail("load");
    kdf = EVP_KDF_fetch(loaded.libctx, AKMA_KDF_E2E, NULL);
    ctx = EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    if (EVP_KDF_derive(ctx, key, 32, params) <= 0 || !OSSL_PROVIDER_unload(loaded.akma))
        fail("unload");
    loaded.akma = NULL;
    expect_key(ctx, &cases[0], NULL, key, "after unload");
    EVP_KDF_CTX_free(ctx);
    unload(&loaded);
}

static void separate_contexts(void)
{
    struct loaded one;
    OSSL_LIB_CTX *bare = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *base = OSSL_PROVIDER_load(bare, "default");

    if (!load(&one))
        fail("load");
    if (EVP_KDF_fetch(bare, AKMA_KDF_E2E, NULL) != NULL)
        fail("a library context without akma has AKMA-E2E");
    ERR_clear_error();
    derive_once(one.libctx, &cases[0]);
    (void)OSSL_PROVIDER_unload(base);
    OSSL_LIB_CTX_free(bare);
    derive_once(one.libctx, &cases[0]);
    unload(&one);
}

static atomic_bool stopping;

static void *derive_until_told(void *libctx)
{
    while (!stopping)
        derive_once(libctx, &cases[0]);
    OPENSSL_thread_stop();
    return NULL;
}

/*
 * A child has what was made before the fork: OpenSSL's locks may be held by threads that it has
 * not, so it fetches nothing. A context that has derived needs no lock.
 */
static void derive_in_child(EVP_KDF_CTX *ctx, unsigned char *refresh)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, refresh, 1),
                           OSSL_PARAM_construct_end()};
    unsigned char out[CASE_OUT_MAX];

    (void)alarm(120);
    _exit(EVP_KDF_derive(ctx, out, 32, params) > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void fork_with_threads(OSSL_LIB_CTX *libctx)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char out[CASE_OUT_MAX];
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    pthread_t threads[THREADS];
    int status = 0;

    case_params(&cases[0], params);
    if (EVP_KDF_derive(ctx, out, 32, params) <= 0)
        fail("derive");
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, derive_until_told, libctx) != 0)
            fail("pthread_create");
    for (unsigned char i = 0; i < FORKS && status == 0; i++) {
        const pid_t child = fork();

        if (child == 0)
            derive_in_child(ctx, &i);
        (void)waitpid(child, &status, 0);
    }
    stopping = true;
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (status != 0)
        fail("a forked child: status %d", status);
}

int main(int argc, char *argv[])
{
    static struct loaded loaded; /* still there when the process ends */

    if (argc != 3)
        fail("endless <derivations> <loads>");
    if (!load(&loaded))
        fail("load");
    outlive_the_provider();
    separate_contexts();
    fork_with_threads(loaded.libctx);
    derive_endlessly(loaded.libctx, strtoul(argv[1], NULL, 10));
    load_endlessly(strtoul(argv[2], NULL, 10));
    OPENSSL_cleanup();
    return EXIT_SUCCESS;
}
