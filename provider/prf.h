/*
 * The PRF: HMAC from libcrypto, keyed once and used many times
 *
 * An EVP_MAC context costs as much to make as several derivations, so contexts that were released
 * wait, keyed with zeros, in a small pool of the provider's. The pool takes no lock: each place is
 * one atomic pointer, and a thread starts to look at a place of its own.
 *
 * Starting an HMAC again without its key is fast, but on OpenSSL 3.0.0 to 3.0.2 it does nothing and
 * says that all is well (openssl#17811); other providers may do the same. So each new context
 * proves that it can. After one that cannot, the key is stale, and the next HMAC sets it
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PRF_H
#define AKMA_PRF_H

#include "digests.h"
#include "errors.h"

#include <openssl/evp.h>

/* Where HMAC comes from: one for each loaded instance of the provider. */
struct prf_source;

/* NULL when out of memory. The library context must outlive the source. */
struct prf_source *prf_source_new(OSSL_LIB_CTX *libctx);
void prf_source_free(struct prf_source *source);

/* The key in an HMAC: none; one that was replaced or cannot be used twice; the input; a PRK. */
enum prf_key_state { KEY_NONE, KEY_STALE, KEY_INPUT, KEY_PRK };

/* One context's HMAC; all zero if it has none yet. */
struct prf {
    EVP_MAC_CTX *mac;
    enum digest_id digest;
    enum prf_key_state key_state;
    bool restarts; /* proved: mac can be started again without a key */
    bool poolable; /* fetched without a property query */
};

/* Get an HMAC with this digest; properties may be NULL. An error is raised. */
bool prf_open(struct prf *prf, struct prf_source *source, enum digest_id digest,
              const char *properties, const struct errors *errors);

/* Start an HMAC under a new key, or under the key it holds. */
bool prf_key(struct prf *prf, enum prf_key_state which, const unsigned char *key, size_t length);
bool prf_again(struct prf *prf);

/* The key it holds was replaced: it is stale. */
void prf_invalidate(struct prf *prf);

bool prf_update(struct prf *prf, const unsigned char *octets, size_t length);

/* The first octets of the result, at most the digest's size. */
bool prf_final(struct prf *prf, unsigned char *out, size_t length);

/* Cleanse the key and release the HMAC; does nothing if there is none. */
void prf_close(struct prf *prf, struct prf_source *source);

/* The same for an HMAC that failed: it is not used again. */
void prf_discard(struct prf *prf);

#endif
