/*
 * A first e2e_key through EVP_KDF: the one that the README's commands print
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>

#define KS_NAF "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KA     "a0a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

int main(void)
{
    unsigned char ks_naf[32], ka[32], key[32], tls13[] = {0x01, 0x00, 0x00, 0x00, 0x07};
    char naf[] = "iot.example.com";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(AKMA_PARAM_KS_NAF, ks_naf, sizeof(ks_naf)),
        OSSL_PARAM_octet_string(AKMA_PARAM_KA, ka, sizeof(ka)),
        OSSL_PARAM_utf8_string(AKMA_PARAM_NAF_FQDN, naf, sizeof(naf) - 1),
        OSSL_PARAM_octet_string(AKMA_PARAM_UA_PROTOCOL_ID, tls13, sizeof(tls13)),
        OSSL_PARAM_END,
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    const bool done = OPENSSL_hexstr2buf_ex(ks_naf, sizeof(ks_naf), NULL, KS_NAF, '\0') > 0 &&
                      OPENSSL_hexstr2buf_ex(ka, sizeof(ka), NULL, KA, '\0') > 0 &&
                      EVP_KDF_derive(ctx, key, sizeof(key), params) > 0;

    for (size_t i = 0; done && i < sizeof(key); i++)
        printf("%02x%s", key[i], i + 1 < sizeof(key) ? "" : "\n");
    if (!done)
        ERR_print_errors_fp(stderr);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return !done;
}
