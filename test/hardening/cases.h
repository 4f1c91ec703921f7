/*
 * What every driver goes through: each algorithm, with modes, digests and lengths
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CASES_H
#define CASES_H

#include <akma/kdf.h>

#include <openssl/core_dispatch.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stddef.h>

#define CASE_PARAMS_MAX 10
#define CASE_OUT_MAX    100 /* octets */
#define CASE_COUNT      15

struct kdf_case {
    const char *algorithm;
    const char *mode, *digest; /* of AKMA-E2E; NULL elsewhere */
    size_t length;             /* octets of output */
    const char *properties;    /* or NULL */
    bool has_long_ka;          /* of 3GPP-KDF: key and P0 */
};

extern const struct kdf_case cases[CASE_COUNT];

/* Secrets of all cases, and a Ka that does not fit a context's own memory. */
extern unsigned char case_key[AKMA_KEY_LENGTH], case_ka[32], case_long_ka[2000];

/* The parameters of a case; those of its key and Ka point at the secrets above. */
void case_params(const struct kdf_case *one, OSSL_PARAM params[CASE_PARAMS_MAX]);

/* A library context with default and akma, from OPENSSL_MODULES. */
struct loaded {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *base, *akma;
};

/* False where any of it fails; loaded can be unloaded all the same. */
bool load(struct loaded *loaded);
void unload(struct loaded *loaded);

/* Open the module of OPENSSL_MODULES past libcrypto, for a program that is between the two. */
OSSL_provider_init_fn *open_module(void);

/* Print what went wrong, with OpenSSL's errors, and exit with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Make sure that a derive of a case gives this key; of what it is in a failure's text. */
void expect_key(EVP_KDF_CTX *ctx, const struct kdf_case *one, const OSSL_PARAM *params,
                const unsigned char *key, const char *what);

#endif
