/*
 * OpenSSL's HMAC behind a provider of the drivers' own, which misbehaves when told to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HMAC_H
#define HMAC_H

#include <openssl/core.h>
#include <openssl/provider.h>
#include <stdbool.h>

#define NONE_FAILS 0

/* What a start without a key does; OpenSSL 3.0.0 to 3.0.2 ignore it (openssl#17811). */
enum restart { RESTARTS, IGNORES, GOES_ON, REFUSES, RESTART_COUNT };

extern struct misbehaviour {
    unsigned long calls;   /* counted since it was set to 0 */
    unsigned long failing; /* the failing-th of them fails */
    bool sticky;           /* and the HMAC that has failed goes on failing until it is freed */
    bool failed_to_set;    /* it was the one that sets the digest */
    long contexts;         /* there are now */
    enum restart restart;
    bool falls_short;       /* it gives an octet less than its digest has, and says so */
    void (*on_query)(void); /* called when libcrypto asks what there is, or NULL */
} misbehaviour;

/* The provider's beginning. */
extern OSSL_provider_init_fn misbehaving_init;

/* Take the real HMAC from there; false: it has none. */
bool misbehave_with_hmac_of(OSSL_LIB_CTX *libctx);

/* Load the provider, whose HMAC has no other name and no other query than OpenSSL's. */
OSSL_PROVIDER *load_misbehaving(OSSL_LIB_CTX *libctx);

/* Free what is left when all is unloaded. */
void free_misbehaving(void);

#endif
