/*
 * The adapter that a test program is built with: -DAKMA_TEST_OPENSSL, -DAKMA_TEST_MBEDTLS or
 * -DAKMA_TEST_PSA
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_TEST_HMAC_H
#define AKMA_TEST_HMAC_H

#if defined(AKMA_TEST_OPENSSL)
#    include "hmac_openssl.h"
#    define test_hmac      akma_hmac_openssl
#    define test_hmac_init akma_hmac_openssl_init
#    define test_hmac_free akma_hmac_openssl_free
#elif defined(AKMA_TEST_MBEDTLS)
#    include "hmac_mbedtls.h"
#    define test_hmac      akma_hmac_mbedtls
#    define test_hmac_init akma_hmac_mbedtls_init
#    define test_hmac_free akma_hmac_mbedtls_free
#else
#    include "hmac_psa.h"
#    define test_hmac akma_hmac_psa

static int test_hmac_init(struct akma_hmac_psa *state, struct akma_hmac *hmac)
{
    akma_hmac_psa_init(state, hmac);
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static void test_hmac_free(struct akma_hmac_psa *state)
{
    (void)state;
    mbedtls_psa_crypto_free();
}
#endif

#endif
