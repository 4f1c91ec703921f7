/*
 * What is measured: ways to make one key, ours and OpenSSL's own, over the same amount of data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_VARIANTS_H
#define BENCH_VARIANTS_H

#include <openssl/params.h>

#define PARAMS_MAX 8
#define KEY_SIZE   32
#define BLOCK_SIZE 64 /* octets: of SHA-256 */

struct instance;

struct variant {
    const char *name;
    void (*call)(struct instance *); /* makes one key */
    size_t length;                   /* octets out; of the bare compression, octets in */
    const char *kdf;                 /* NULL: made without EVP_KDF */
    const char *changes;             /* the parameter with a new value in each call, or NULL */
    OSSL_PARAM params[PARAMS_MAX];   /* that which changes last, where only it is given again */
};

extern const struct variant variants[];
extern const size_t variant_count;

/* Ends the program if there is none of this name. */
const struct variant *variant_find(const char *name);

/* The S that "AKMA-E2E one shot" hashes. */
extern const unsigned char example_s[];
extern const size_t example_s_length;

#define S_FIXED     27 /* octets of every S of AKMA-E2E: all but Ka, NAF_Id, refresh, usage */
#define KBKDF_LABEL 8
#define KBKDF_FIXED (KBKDF_LABEL + 9) /* octets that KBKDF hashes beside info */

#endif
