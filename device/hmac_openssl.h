/*
 * HMAC-SHA-256 from OpenSSL 3, for akma_device.h
 *
 *     struct akma_hmac_openssl state;
 *     struct akma_hmac hmac;
 *
 *     if (akma_hmac_openssl_init(&state, &hmac) == 0)
 *         reason = akma_e2e(&hmac, &input, key, sizeof(key));
 *     akma_hmac_openssl_free(&state);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_HMAC_OPENSSL_H
#define AKMA_HMAC_OPENSSL_H

#include "akma_device.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct akma_hmac_openssl {
    EVP_MAC_CTX *mac;
    int good; /* nothing has failed since begin() */
};

static inline void akma_hmac_openssl_begin(void *ctx, const uint8_t *key, size_t n)
{
    struct akma_hmac_openssl *state = ctx;
    char sha256[] = "SHA2-256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof(sha256) - 1),
        OSSL_PARAM_END,
    };

    state->good = EVP_MAC_init(state->mac, key, n, params);
}

static inline void akma_hmac_openssl_add(void *ctx, const uint8_t *octets, size_t n)
{
    struct akma_hmac_openssl *state = ctx;

    state->good = state->good && EVP_MAC_update(state->mac, octets, n);
}

static inline void akma_hmac_openssl_end(void *ctx, uint8_t out[AKMA_HMAC_SIZE])
{
    static const uint8_t none[AKMA_HMAC_SIZE];
    struct akma_hmac_openssl *state = ctx;
    size_t n;

    if (!state->good || !EVP_MAC_final(state->mac, out, &n, AKMA_HMAC_SIZE))
        OPENSSL_cleanse(out, AKMA_HMAC_SIZE);
    akma_hmac_openssl_begin(ctx, none, sizeof(none)); /* the key does not stay behind */
}

/* 0, or -1 if libcrypto has no HMAC. */
static inline int akma_hmac_openssl_init(struct akma_hmac_openssl *state, struct akma_hmac *hmac)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    state->mac = EVP_MAC_CTX_new(mac);
    state->good = 0;
    EVP_MAC_free(mac);
    hmac->begin = akma_hmac_openssl_begin;
    hmac->add = akma_hmac_openssl_add;
    hmac->end = akma_hmac_openssl_end;
    hmac->ctx = state;
    return state->mac != NULL ? 0 : -1;
}

static inline void akma_hmac_openssl_free(struct akma_hmac_openssl *state)
{
    EVP_MAC_CTX_free(state->mac);
}

#endif
