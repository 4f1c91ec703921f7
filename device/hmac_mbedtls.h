/*
 * HMAC-SHA-256 from mbed TLS 2.28 or 3, for akma_device.h
 *
 *     struct akma_hmac_mbedtls state;
 *     struct akma_hmac hmac;
 *
 *     if (akma_hmac_mbedtls_init(&state, &hmac) == 0)
 *         reason = akma_e2e(&hmac, &input, key, sizeof(key));
 *     akma_hmac_mbedtls_free(&state);
 *
 * mbed TLS takes the memory of its context from mbedtls_calloc(), in init() alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_HMAC_MBEDTLS_H
#define AKMA_HMAC_MBEDTLS_H

#include "akma_device.h"

#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

struct akma_hmac_mbedtls {
    mbedtls_md_context_t md;
    int error; /* of mbed TLS, the first since begin() */
};

static inline void akma_hmac_mbedtls_begin(void *ctx, const uint8_t *key, size_t n)
{
    struct akma_hmac_mbedtls *state = ctx;

    state->error = mbedtls_md_hmac_starts(&state->md, key, n);
}

static inline void akma_hmac_mbedtls_add(void *ctx, const uint8_t *octets, size_t n)
{
    struct akma_hmac_mbedtls *state = ctx;

    if (state->error == 0)
        state->error = mbedtls_md_hmac_update(&state->md, octets, n);
}

static inline void akma_hmac_mbedtls_end(void *ctx, uint8_t out[AKMA_HMAC_SIZE])
{
    static const uint8_t none[AKMA_HMAC_SIZE] = {0};
    struct akma_hmac_mbedtls *state = ctx;

    if (state->error == 0)
        state->error = mbedtls_md_hmac_finish(&state->md, out);
    if (state->error != 0)
        mbedtls_platform_zeroize(out, AKMA_HMAC_SIZE);
    akma_hmac_mbedtls_begin(ctx, none, sizeof(none)); /* the key does not stay behind */
}

/* 0, or mbed TLS' error. */
static inline int akma_hmac_mbedtls_init(struct akma_hmac_mbedtls *state, struct akma_hmac *hmac)
{
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

    mbedtls_md_init(&state->md);
    hmac->begin = akma_hmac_mbedtls_begin;
    hmac->add = akma_hmac_mbedtls_add;
    hmac->end = akma_hmac_mbedtls_end;
    hmac->ctx = state;
    state->error = sha256 == NULL ? MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE
                                  : mbedtls_md_setup(&state->md, sha256, 1);
    return state->error;
}

static inline void akma_hmac_mbedtls_free(struct akma_hmac_mbedtls *state)
{
    mbedtls_md_free(&state->md);
}

#endif
