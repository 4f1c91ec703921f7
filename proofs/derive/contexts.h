/*
 * Any context that holds some inputs, and an HMAC that fits them or that it has none of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#include "../inputs/state.h"
#include "derive.h"
#include "hmac.h"

/* How the HMAC starts: there is none yet, or what it holds, an enum prf_key_state. */
#define CLOSED (-1)

static struct provctx provctx;

/* IKM = FC || P0 || L0 || Ka || La, the first part of S; returns its length. */
static size_t write_ikm(const struct held *held, unsigned char *ikm)
{
    for (size_t i = 0; i < held->shape->begin; i++)
        ikm[i] = (unsigned char)held->shape->begin_is[i];
    return (size_t)(write_part(held->shape, &held->parts[0], ikm + held->shape->begin) - ikm);
}

/* A key of HMAC is this value. */
static void claim_key(const struct hmac_key *key, const struct value *value)
{
    CLAIM(key->length == value->length);
    (void)claim_octets(key->octets, value->octets, value->length);
}

static int properties_of(const struct held *held)
{
    return held->properties == NULL ? NONE : held->properties[0];
}

static void hmac_make(struct prf *prf, const struct held *held, int start)
{
    *prf = (struct prf){NULL};
    hmac.is_open = start != CLOSED;
    hmac.has_failed = false;
    hmac.prk = NULL;
    hmac.count = 0;
    hmac.properties = properties_of(held);
    if (start == CLOSED)
        return;
    *prf = (struct prf){(EVP_MAC_CTX *)&hmac, held->digest, (enum prf_key_state)start,
                        hmac_restarts, held->properties == NULL};
    memcpy(hmac.salt.octets, held->key.octets, hmac.salt.length = held->key.length);
    hmac.ikm_length = write_ikm(held, hmac.ikm);
    hmac.key = hmac.salt;
    if (start == KEY_PRK)
        for (size_t i = 0; i < (hmac.key.length = digests[held->digest].size); i++)
            hmac.key.octets[i] = nondet_octet();
}

static void context_make(struct kdf_ctx *ctx, const struct held *held, int start)
{
    ctx->provctx = &provctx;
    inputs_make(&ctx->inputs, held, ROOMY);
    hmac_make(&ctx->prf, held, start);
}

/* The HMAC goes on with no other digest, properties, key or PRK than what is held, and not after it
 * failed. */
static void claim_fits(const struct prf *prf, const struct held *held)
{
    CLAIM((prf->mac != NULL) == hmac.is_open);
    if (prf->mac == NULL)
        return;
    CLAIM(!hmac.has_failed);
    CLAIM(prf->digest == held->digest && prf->poolable == (held->properties == NULL));
    CLAIM(hmac.properties == properties_of(held));
    if (prf->key_state == KEY_INPUT)
        claim_key(&hmac.key, &held->key);
    if (prf->key_state == KEY_PRK) {
        unsigned char ikm[MESSAGE_MAX];
        const size_t length = write_ikm(held, ikm);

        claim_key(&hmac.salt, &held->key);
        CLAIM(hmac.ikm_length == length);
        (void)claim_octets(hmac.ikm, ikm, length);
    }
}

#endif
