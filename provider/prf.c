/*
 * The PRF: HMAC from libcrypto, keyed once and used many times
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define POOL_PLACES 16 /* of each digest; a power of two */
#define CACHE_LINE  64 /* octets; a place has a line of its own, so that threads do not share it */

struct pool_place {
    alignas(CACHE_LINE) _Atomic(EVP_MAC_CTX *) mac;
};

struct prf_source {
    OSSL_LIB_CTX *libctx;
    _Atomic(EVP_MAC *) hmac; /* fetched when first needed: at load, HMAC may not be there yet */
    void *memory;            /* what the pool was carved from */
    struct pool_place (*pool)[POOL_PLACES]; /* [digest][place] */
};

struct prf_source *prf_source_new(OSSL_LIB_CTX *libctx)
{
    const size_t size = DIGEST_COUNT * sizeof(struct pool_place[POOL_PLACES]);
    struct prf_source *source = OPENSSL_zalloc(sizeof(*source));

    if (source == NULL)
        return NULL;
    source->memory = OPENSSL_zalloc(size + CACHE_LINE);
    if (source->memory == NULL) {
        OPENSSL_free(source);
        return NULL;
    }
    source->pool =
        (void *)(((uintptr_t)source->memory + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    source->libctx = libctx;
    return source;
}

void prf_source_free(struct prf_source *source)
{
    if (source == NULL)
        return;
    for (size_t digest = 0; digest < DIGEST_COUNT; digest++)
        for (size_t place = 0; place < POOL_PLACES; place++)
            EVP_MAC_CTX_free(atomic_load(&source->pool[digest][place].mac));
    EVP_MAC_free(atomic_load(&source->hmac));
    OPENSSL_free(source->memory);
    OPENSSL_free(source);
}

/* Where this thread looks first. Threads differ in their stacks; any answer is right. */
static size_t first_place(void)
{
    char here;

    return (size_t)(((uint64_t)(uintptr_t)&here >> 16) * UINT64_C(0x9E3779B97F4A7C15) >> 60);
}

static EVP_MAC_CTX *pool_take(struct prf_source *source, enum digest_id digest)
{
    size_t first = first_place();

    for (size_t i = 0; i < POOL_PLACES; i++) {
        struct pool_place *place = &source->pool[digest][(first + i) % POOL_PLACES];
        EVP_MAC_CTX *mac = atomic_load_explicit(&place->mac, memory_order_relaxed);

        if (mac != NULL) {
            mac = atomic_exchange_explicit(&place->mac, NULL, memory_order_acquire);
            if (mac != NULL)
                return mac;
        }
    }
    return NULL;
}

static bool pool_give(struct prf_source *source, enum digest_id digest, EVP_MAC_CTX *mac)
{
    size_t first = first_place();

    for (size_t i = 0; i < POOL_PLACES; i++) {
        struct pool_place *place = &source->pool[digest][(first + i) % POOL_PLACES];
        EVP_MAC_CTX *empty = NULL;

        if (atomic_load_explicit(&place->mac, memory_order_relaxed) == NULL &&
            atomic_compare_exchange_strong_explicit(&place->mac, &empty, mac, memory_order_release,
                                                    memory_order_relaxed))
            return true;
    }
    return false;
}

/* HMAC without a property query, the source's own reference. */
static EVP_MAC *source_hmac(struct prf_source *source)
{
    EVP_MAC *hmac = atomic_load_explicit(&source->hmac, memory_order_acquire);
    EVP_MAC *fetched;

    if (hmac != NULL)
        return hmac;
    fetched = EVP_MAC_fetch(source->libctx, OSSL_MAC_NAME_HMAC, NULL);
    if (fetched != NULL && !atomic_compare_exchange_strong(&source->hmac, &hmac, fetched)) {
        EVP_MAC_free(fetched); /* another thread was faster */
        return hmac;
    }
    return fetched;
}

/* A new context with its digest set, made the slow way: by name. */
static EVP_MAC_CTX *mac_new(struct prf_source *source, enum digest_id digest,
                            const char *properties, const struct errors *errors)
{
    EVP_MAC *own =
        properties == NULL ? NULL : EVP_MAC_fetch(source->libctx, OSSL_MAC_NAME_HMAC, properties);
    EVP_MAC *hmac = properties == NULL ? source_hmac(source) : own;
    EVP_MAC_CTX *mac;
    OSSL_PARAM params[3], *p = params;

    if (hmac == NULL) {
        RAISE(errors, REASON_UNAVAILABLE,
              "HMAC not found%s%.200s: activate the default or fips provider as well",
              properties == NULL ? "" : " with properties ", properties == NULL ? "" : properties);
        return NULL;
    }
    mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(own);
    if (mac == NULL) {
        RAISE(errors, REASON_MEMORY, "no memory for an HMAC context");
        return NULL;
    }
    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                            (char *)(uintptr_t)digests[digest].name, 0);
    if (properties != NULL)
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_PROPERTIES,
                                                (char *)(uintptr_t)properties, 0);
    *p = OSSL_PARAM_construct_end();
    if (!EVP_MAC_CTX_set_params(mac, params)) {
        RAISE(errors, REASON_UNAVAILABLE, "digest: no provider has %s%s%.200s for HMAC",
              digests[digest].name, properties == NULL ? "" : " with properties ",
              properties == NULL ? "" : properties);
        EVP_MAC_CTX_free(mac);
        return NULL;
    }
    return mac;
}

bool prf_open(struct prf *prf, struct prf_source *source, enum digest_id digest,
              const char *properties, const struct errors *errors)
{
    prf->digest = digest;
    prf->poolable = properties == NULL;
    prf->keyed = false;
    prf->mac = prf->poolable ? pool_take(source, digest) : NULL;
    if (prf->mac == NULL)
        prf->mac = mac_new(source, digest, properties, errors);
    return prf->mac != NULL;
}

bool prf_key(struct prf *prf, const unsigned char *key, size_t length)
{
    prf->keyed = true;
    return EVP_MAC_init(prf->mac, key, length, NULL);
}

bool prf_again(struct prf *prf)
{
    return EVP_MAC_init(prf->mac, NULL, 0, NULL);
}

bool prf_update(struct prf *prf, const unsigned char *octets, size_t length)
{
    return EVP_MAC_update(prf->mac, octets, length);
}

bool prf_final(struct prf *prf, unsigned char *out, size_t length)
{
    size_t size = digests[prf->digest].size;
    unsigned char block[DIGEST_SIZE_MAX];
    bool done;

    if (length >= size)
        return EVP_MAC_final(prf->mac, out, &size, size);
    done = EVP_MAC_final(prf->mac, block, &size, sizeof(block));
    if (done)
        memcpy(out, block, length);
    OPENSSL_cleanse(block, sizeof(block));
    return done;
}

void prf_close(struct prf *prf, struct prf_source *source)
{
    static const unsigned char zeros[32];

    if (prf->mac == NULL)
        return;
    if (prf->poolable && (!prf->keyed || prf_key(prf, zeros, sizeof(zeros))) &&
        pool_give(source, prf->digest, prf->mac))
        prf->mac = NULL;
    else
        prf_discard(prf);
}

void prf_discard(struct prf *prf)
{
    EVP_MAC_CTX_free(prf->mac);
    prf->mac = NULL;
}
