/*
 * The PRF: HMAC from libcrypto, keyed once and used many times
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "prf.h"

#include "uninitialized.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
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
    struct pool_place (*pool)[2][POOL_PLACES]; /* [digest][restarts][place] */
};

static const unsigned char zeros[32];

struct prf_source *prf_source_new(OSSL_LIB_CTX *libctx)
{
    const size_t size = DIGEST_COUNT * sizeof(struct pool_place[2][POOL_PLACES]);
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
        for (size_t place = 0; place < POOL_PLACES; place++) {
            EVP_MAC_CTX_free(atomic_load(&source->pool[digest][false][place].mac));
            EVP_MAC_CTX_free(atomic_load(&source->pool[digest][true][place].mac));
        }
    EVP_MAC_free(atomic_load(&source->hmac));
    OPENSSL_free(source->memory);
    OPENSSL_free(source);
}

/* Where this thread looks first: threads differ in the place of their errno. */
static size_t first_place(void)
{
    return (size_t)(((uint64_t)(uintptr_t)&errno >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 60);
}

static EVP_MAC_CTX *pool_pop(struct pool_place places[POOL_PLACES])
{
    size_t first = first_place();

    for (size_t i = 0; i < POOL_PLACES; i++) {
        struct pool_place *place = &places[(first + i) % POOL_PLACES];
        EVP_MAC_CTX *mac = atomic_load_explicit(&place->mac, memory_order_relaxed);

        if (mac != NULL) {
            mac = atomic_exchange_explicit(&place->mac, NULL, memory_order_acquire);
            if (mac != NULL)
                return mac;
        }
    }
    return NULL;
}

/* Those that can be started again first; false if the pool has none. */
static bool pool_acquire(struct prf *prf, const struct prf_source *source)
{
    prf->restarts = true;
    prf->mac = pool_pop(source->pool[prf->digest][true]);
    if (prf->mac == NULL) {
        prf->restarts = false;
        prf->mac = pool_pop(source->pool[prf->digest][false]);
    }
    return prf->mac != NULL;
}

static bool pool_release(const struct prf *prf, const struct prf_source *source)
{
    size_t first = first_place();

    for (size_t i = 0; i < POOL_PLACES; i++) {
        struct pool_place *place =
            &source->pool[prf->digest][prf->restarts][(first + i) % POOL_PLACES];
        EVP_MAC_CTX *empty = NULL;

        if (atomic_load_explicit(&place->mac, memory_order_relaxed) == NULL &&
            atomic_compare_exchange_strong_explicit(&place->mac, &empty, prf->mac,
                                                    memory_order_release, memory_order_relaxed))
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
    char shown[SHOWN_SIZE];
    OSSL_PARAM params[3], *p = params;

    if (hmac == NULL) {
        RAISE(errors, REASON_UNAVAILABLE,
              "HMAC not found%s%s: activate the default or fips provider as well",
              properties == NULL ? "" : " with properties ",
              properties == NULL ? "" : errors_shown(shown, properties, strlen(properties)));
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
        RAISE(errors, REASON_UNAVAILABLE, "digest: no provider has %s%s%s for HMAC",
              digests[digest].name, properties == NULL ? "" : " with properties ",
              properties == NULL ? "" : errors_shown(shown, properties, strlen(properties)));
        EVP_MAC_CTX_free(mac);
        return NULL;
    }
    return mac;
}

/* An HMAC of fewer octets is none: what follows them must not become a key. */
static bool final(EVP_MAC_CTX *mac, unsigned char *out, size_t size)
{
    size_t written = 0;

    return EVP_MAC_final(mac, out, &written, size) && written == size;
}

static bool hmac_of(EVP_MAC_CTX *mac, unsigned char octet, unsigned char *out, size_t size)
{
    return EVP_MAC_update(mac, &octet, 1) && final(mac, out, size);
}

/*
 * Under a key of zeros: HMAC(1), and without the key again HMAC(2), HMAC(1). An HMAC that was not
 * started again answers with something else, with the same every time, or not at all.
 */
static bool probe_restart(EVP_MAC_CTX *mac, size_t size)
{
    unsigned char first[DIGEST_SIZE_MAX], other[DIGEST_SIZE_MAX], again[DIGEST_SIZE_MAX];
    bool proved;

    (void)ERR_set_mark();
    proved = EVP_MAC_init(mac, zeros, sizeof(zeros), NULL) && hmac_of(mac, 1, first, size) &&
             EVP_MAC_init(mac, NULL, 0, NULL) && hmac_of(mac, 2, other, size) &&
             EVP_MAC_init(mac, NULL, 0, NULL) && hmac_of(mac, 1, again, size) &&
             memcmp(first, again, size) == 0 && memcmp(first, other, size) != 0;
    (void)ERR_pop_to_mark();
    return proved;
}

bool prf_open(struct prf *prf, struct prf_source *source, enum digest_id digest,
              const char *properties, const struct errors *errors)
{
    prf->digest = digest;
    prf->poolable = properties == NULL;
    prf->key_state = KEY_NONE;
    if (prf->poolable && pool_acquire(prf, source))
        return true;
    prf->mac = mac_new(source, digest, properties, errors);
    if (prf->mac == NULL)
        return false;
    prf->restarts = probe_restart(prf->mac, digests[digest].size);
    return true;
}

bool prf_key(struct prf *prf, enum prf_key_state which, const unsigned char *key, size_t length)
{
    prf->key_state = which;
    return EVP_MAC_init(prf->mac, key, length, NULL);
}

bool prf_again(struct prf *prf)
{
    return EVP_MAC_init(prf->mac, NULL, 0, NULL);
}

void prf_invalidate(struct prf *prf)
{
    if (prf->key_state != KEY_NONE)
        prf->key_state = KEY_STALE;
}

bool prf_update(struct prf *prf, const unsigned char *octets, size_t length)
{
    return EVP_MAC_update(prf->mac, octets, length);
}

bool prf_final(struct prf *prf, unsigned char *out, size_t length)
{
    const size_t size = digests[prf->digest].size;
    UNINITIALIZED unsigned char block[DIGEST_SIZE_MAX];
    bool done;

    if (!prf->restarts)
        prf->key_state = KEY_STALE;
    if (length >= size)
        return final(prf->mac, out, size);
    done = final(prf->mac, block, size);
    if (done)
        memcpy(out, block, length);
    OPENSSL_cleanse(block, sizeof(block));
    return done;
}

void prf_close(struct prf *prf, struct prf_source *source)
{
    if (prf->mac == NULL)
        return;
    if (prf->poolable &&
        (prf->key_state == KEY_NONE || prf_key(prf, KEY_NONE, zeros, sizeof(zeros))) &&
        pool_release(prf, source))
        prf->mac = NULL;
    else
        prf_discard(prf);
}

void prf_discard(struct prf *prf)
{
    EVP_MAC_CTX_free(prf->mac);
    prf->mac = NULL;
    prf->key_state = KEY_NONE;
}
