/*
 * HMAC-SHA-256 from the PSA Crypto API, for akma_device.h
 *
 *     struct akma_hmac_psa state;
 *     struct akma_hmac hmac;
 *
 *     akma_hmac_psa_init(&state, &hmac);     after psa_crypto_init()
 *     reason = akma_e2e(&hmac, &input, key, sizeof(key));
 *
 * Each begin() imports its key as a volatile one, and end() destroys it. One key slot and one MAC
 * operation are in use between the two, and nothing afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_HMAC_PSA_H
#define AKMA_HMAC_PSA_H

#include "akma_device.h"

#include <psa/crypto.h>
#include <string.h>

struct akma_hmac_psa {
    psa_mac_operation_t operation;
    psa_key_id_t key;
    psa_status_t status; /* the first fault since begin() */
};

static inline void akma_hmac_psa_begin(void *ctx, const uint8_t *key, size_t n)
{
    const psa_algorithm_t hmac_sha256 = PSA_ALG_HMAC(PSA_ALG_SHA_256);
    struct akma_hmac_psa *state = ctx;
    psa_key_attributes_t attributes = psa_key_attributes_init();

    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, hmac_sha256);
    state->operation = psa_mac_operation_init();
    state->status = psa_import_key(&attributes, key, n, &state->key);
    if (state->status == PSA_SUCCESS)
        state->status = psa_mac_sign_setup(&state->operation, state->key, hmac_sha256);
}

static inline void akma_hmac_psa_add(void *ctx, const uint8_t *octets, size_t n)
{
    struct akma_hmac_psa *state = ctx;

    if (state->status == PSA_SUCCESS)
        state->status = psa_mac_update(&state->operation, octets, n);
}

static inline void akma_hmac_psa_end(void *ctx, uint8_t out[AKMA_HMAC_SIZE])
{
    struct akma_hmac_psa *state = ctx;
    size_t n;

    if (state->status == PSA_SUCCESS)
        state->status = psa_mac_sign_finish(&state->operation, out, AKMA_HMAC_SIZE, &n);
    if (state->status != PSA_SUCCESS)
        memset(out, 0, AKMA_HMAC_SIZE);
    (void)psa_mac_abort(&state->operation);
    (void)psa_destroy_key(state->key);
    state->key = 0;
}

static inline void akma_hmac_psa_init(struct akma_hmac_psa *state, struct akma_hmac *hmac)
{
    state->operation = psa_mac_operation_init();
    state->key = 0;
    state->status = PSA_ERROR_BAD_STATE;
    hmac->begin = akma_hmac_psa_begin;
    hmac->add = akma_hmac_psa_add;
    hmac->end = akma_hmac_psa_end;
    hmac->ctx = state;
}

#endif
