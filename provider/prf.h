/*
 * The PRF: HMAC from libcrypto, keyed once and used many times
 *
 * An EVP_MAC context costs as much to make as several derivations, so contexts that were let go
 * wait, keyed with zeros, in a small pool of the provider's. The pool takes no lock: each place is
 * one atomic pointer, and a thread starts to look at a place of its own.
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

/* One context's HMAC; all zero where it has none yet. */
struct prf {
    EVP_MAC_CTX *mac;
    enum digest_id digest;
    bool keyed;    /* mac holds a key of ours, which has to go before mac does */
    bool poolable; /* fetched without a property query */
};

/* Get an HMAC with this digest; properties may be NULL. An error is raised. */
bool prf_open(struct prf *prf, struct prf_source *source, enum digest_id digest,
              const char *properties, const struct errors *errors);

/* Start an HMAC under a new key, or under the key of the one before. */
bool prf_key(struct prf *prf, const unsigned char *key, size_t length);
bool prf_again(struct prf *prf);

bool prf_update(struct prf *prf, const unsigned char *octets, size_t length);

/* The first octets of the result, at most the digest's size. */
bool prf_final(struct prf *prf, unsigned char *out, size_t length);

/* Wipe the key and let the HMAC go; does nothing where there is none. */
void prf_close(struct prf *prf, struct prf_source *source);

/* The same for an HMAC that failed: it is not used again. */
void prf_discard(struct prf *prf);

#endif
