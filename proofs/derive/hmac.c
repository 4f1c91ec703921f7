/*
 * The contract of prf.h, and the rules of its use: each call may fail
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hmac.h"

#include "proof.h"

#include <string.h>

struct hmac hmac;
bool hmac_restarts;

#define MAC ((EVP_MAC_CTX *)&hmac)

static bool works(void)
{
    const bool failed = fails();

    hmac.has_failed |= failed;
    return !failed;
}

bool prf_open(struct prf *prf, struct prf_source *source, enum digest_id digest,
              const char *properties, const struct errors *errors)
{
    CLAIM(prf->mac == NULL && !hmac.is_open);
    (void)source;
    prf->digest = digest;
    prf->poolable = properties == NULL;
    prf->key_state = KEY_NONE;
    if (fails()) {
        RAISE(errors, REASON_UNAVAILABLE, "no HMAC");
        return false;
    }
    prf->restarts = hmac_restarts;
    prf->mac = MAC;
    hmac.properties = properties == NULL ? NONE : (unsigned char)properties[0];
    hmac.is_open = true;
    hmac.has_failed = false;
    return true;
}

/* A PRK is what came out last. */
static void extract(const unsigned char *prk, size_t length)
{
    const struct hmac_result *result = &hmac.results[hmac.count - 1];

    CLAIM(hmac.count > 0 && length == result->output_length);
    for (size_t i = 0; i < length; i++)
        CLAIM(prk[i] == result->output[i]);
    hmac.prk = prk;
    hmac.salt = result->key;
    memcpy(hmac.ikm, result->message, hmac.ikm_length = result->length);
}

bool prf_key(struct prf *prf, enum prf_key_state which, const unsigned char *key, size_t length)
{
    CLAIM(prf->mac == MAC && hmac.is_open);
    CLAIM(which == KEY_INPUT || which == KEY_PRK);
    if (which == KEY_PRK)
        extract(key, length);
    memcpy(hmac.key.octets, key, hmac.key.length = length);
    hmac.length = 0;
    prf->key_state = which;
    return works();
}

bool prf_again(struct prf *prf)
{
    CLAIM(prf->mac == MAC && hmac.is_open);
    CLAIM(prf->restarts && (prf->key_state == KEY_INPUT || prf->key_state == KEY_PRK));
    hmac.length = 0;
    return works();
}

void prf_invalidate(struct prf *prf)
{
    if (prf->key_state != KEY_NONE)
        prf->key_state = KEY_STALE;
}

bool prf_update(struct prf *prf, const unsigned char *octets, size_t length)
{
    CLAIM(prf->mac == MAC && (prf->key_state == KEY_INPUT || prf->key_state == KEY_PRK));
    memcpy(hmac.message + hmac.length, octets, length);
    hmac.length += length;
    return works();
}

/* Where it fails it may have written all the same. */
bool prf_final(struct prf *prf, unsigned char *out, size_t length)
{
    struct hmac_result *result = &hmac.results[hmac.count++];

    CLAIM(prf->mac == MAC && length <= digests[prf->digest].size);
    result->key = hmac.key;
    memcpy(result->message, hmac.message, result->length = hmac.length);
    for (size_t i = 0; i < length; i++)
        out[i] = result->output[i] = nondet_octet();
    result->output_length = length;
    if (!prf->restarts)
        prf->key_state = KEY_STALE;
    return works();
}

void prf_close(struct prf *prf, struct prf_source *source)
{
    (void)source;
    prf_discard(prf);
}

void prf_discard(struct prf *prf)
{
    hmac.is_open = false;
    prf->mac = NULL;
    prf->key_state = KEY_NONE;
}
