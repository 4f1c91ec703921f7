/*
 * race - two threads fetch HMAC for the first time at the same moment; the slower one's is freed
 *
 * While the first is asked in its fetch what there is, the second starts, finds no HMAC kept and
 * fetches as well. A leak is for valgrind to see.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"
#include "hmac.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

/* Enough to get from the start of a derive to its fetch. */
static const struct timespec a_moment = {.tv_nsec = 200000000};

static EVP_KDF *kdf;
static atomic_bool has_begun, second_is_there;

static void derive(void)
{
    OSSL_PARAM params[CASE_PARAMS_MAX];
    unsigned char out[CASE_OUT_MAX];
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    case_params(&cases[0], params);
    if (EVP_KDF_derive(ctx, out, cases[0].length, params) <= 0)
        fail("derive");
    EVP_KDF_CTX_free(ctx);
}

static void *second(void *unused)
{
    (void)unused;
    while (!atomic_load(&has_begun))
        thrd_yield();
    atomic_store(&second_is_there, true);
    derive();
    OPENSSL_thread_stop();
    return NULL;
}

static void wait_for_second(void)
{
    if (atomic_exchange(&has_begun, true))
        return;
    while (!atomic_load(&second_is_there))
        thrd_yield();
    (void)thrd_sleep(&a_moment, NULL);
}

int main(void)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *mac = load_misbehaving(libctx);
    OSSL_PROVIDER *akma = OSSL_PROVIDER_load(libctx, AKMA_PROVIDER_NAME);
    pthread_t thread;

    kdf = EVP_KDF_fetch(libctx, cases[0].algorithm, NULL);
    misbehaviour.on_query = wait_for_second;
    if (pthread_create(&thread, NULL, second, NULL) != 0)
        fail("pthread_create");
    derive();
    (void)pthread_join(thread, NULL);
    EVP_KDF_free(kdf);
    (void)OSSL_PROVIDER_unload(akma);
    (void)OSSL_PROVIDER_unload(mac);
    OSSL_LIB_CTX_free(libctx);
    free_misbehaving();
    if (!atomic_load(&second_is_there))
        fail("libcrypto did not ask for HMAC");
    return EXIT_SUCCESS;
}
