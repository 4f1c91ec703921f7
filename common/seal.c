/*
 * Octets that are sealed under a key of a file of keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#define CIPHER_KEY   32 /* AES-256 */
#define CIPHER_NONCE 12 /* GCM */
#define INFO_MAX     64

unsigned char *seal_put_number(unsigned char *place, uint64_t value, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        place[i] = (unsigned char)(value >> 8 * (octets - 1 - i));
    return place + octets;
}

/* HKDF(wrapping key, salt, info) = key of AES-256-GCM || nonce. */
static bool derive(const struct seal *seal, unsigned char out[CIPHER_KEY + CIPHER_NONCE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA2-256", info[INFO_MAX];
    struct seal_key copy = *seal->key;
    unsigned char salt[SEAL_SALT_LENGTH];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, copy.octets, sizeof(copy.octets)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(seal->info)),
        OSSL_PARAM_construct_end(),
    };
    bool done;

    memcpy(salt, seal->salt, sizeof(salt));
    (void)OPENSSL_strlcpy(info, seal->info, sizeof(info));
    done = ctx != NULL && EVP_KDF_derive(ctx, out, CIPHER_KEY + CIPHER_NONCE, params) > 0;
    OPENSSL_cleanse(&copy, sizeof(copy));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}

/* AES-256-GCM, keyed, with the parts taken in; NULL if that cannot be. */
static EVP_CIPHER_CTX *start(const struct seal *seal, int sealing)
{
    unsigned char derived[CIPHER_KEY + CIPHER_NONCE];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done =
        ctx != NULL && derive(seal, derived) &&
        EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, derived, derived + CIPHER_KEY, sealing) > 0;
    int taken;

    OPENSSL_cleanse(derived, sizeof(derived));
    for (size_t i = 0; done && i < seal->count; i++)
        done = EVP_CipherUpdate(ctx, NULL, &taken, seal->parts[i].octets,
                                (int)seal->parts[i].length) > 0;
    if (done)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

bool seal_octets(const struct seal *seal, const unsigned char *octets, size_t length,
                 unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = start(seal, 1);
    int written = 0, last = 0;
    const bool done =
        ctx != NULL && EVP_CipherUpdate(ctx, out, &written, octets, (int)length) > 0 &&
        EVP_CipherFinal_ex(ctx, out + written, &last) > 0 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LENGTH, out + length) > 0;

    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

bool seal_open(const struct seal *seal, const unsigned char *sealed, size_t length,
               unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = start(seal, 0);
    unsigned char tag[SEAL_TAG_LENGTH];
    int written = 0, last = 0;
    bool done;

    memcpy(tag, sealed + length, sizeof(tag));
    done = ctx != NULL && EVP_CipherUpdate(ctx, out, &written, sealed, (int)length) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_LENGTH, tag) > 0 &&
           EVP_CipherFinal_ex(ctx, out + written, &last) > 0;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (!done)
        OPENSSL_cleanse(out, length);
    return done;
}
