/*
 * A variant at work: with objects and inputs of its own, so that each thread can have one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_INSTANCE_H
#define BENCH_INSTANCE_H

#include "variants.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#define OUTPUT_MAX 8160 /* octets: 255 outputs of SHA2-256 */

struct instance {
    const struct variant *variant;
    EVP_KDF *kdf;
    EVP_KDF_CTX *kept;
    EVP_MAC *hmac;
    EVP_MAC_CTX *mac;
    EVP_MD_CTX *hash;
    OSSL_PARAM params[PARAMS_MAX];
    const OSSL_PARAM *last; /* of params */
    size_t length;
    unsigned char changing[KEY_SIZE]; /* what is another value in each call */
    unsigned char out[OUTPUT_MAX];
};

/* Tells what failed with OpenSSL's errors, and ends the program. */
_Noreturn void fail(const char *what);

void instance_open(struct instance *instance, const struct variant *variant);

/* Another value for a parameter, before the start; the octets stay the caller's. */
void instance_give(struct instance *instance, const char *name, unsigned char *octets,
                   size_t length);

/* One key from all parameters, so that a kept context has them. */
void instance_start(struct instance *instance);

void instance_close(struct instance *instance);

/* The calls of the table of variants. */
void one_shot(struct instance *instance);    /* new context, derive, free */
void kept(struct instance *instance);        /* kept context, all parameters given */
void kept_last(struct instance *instance);   /* kept context, the last parameter given */
void mac_new(struct instance *instance);     /* new EVP_MAC context, digest by name */
void mac_rekeyed(struct instance *instance); /* kept EVP_MAC context, new key */
void mac_same(struct instance *instance);    /* kept EVP_MAC context, same key */
void compress(struct instance *instance);    /* whole blocks of a hash that runs on */

#endif
