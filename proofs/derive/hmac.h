/*
 * HMAC as the proofs see it: what it is keyed with, what goes in, and any octets that come out
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HMAC_H
#define HMAC_H

#include "prf.h"

#define MESSAGE_MAX 128 /* octets: T(i-1), and the strings of short values */
#define RESULTS     4
#define NONE        (-1)

struct hmac_key {
    size_t length;
    unsigned char octets[DIGEST_SIZE_MAX];
};

/* HMAC(key, message) = output, as far as it was asked for. */
struct hmac_result {
    struct hmac_key key;
    size_t length, output_length;
    unsigned char message[MESSAGE_MAX], output[DIGEST_SIZE_MAX];
};

/* The HMAC of one context: whether it is open, what it holds, and what it was asked for so far. */
struct hmac {
    bool is_open, has_failed; /* has_failed: what it holds now is not known */
    int properties;           /* the first octet of what it was fetched with, or NONE */
    struct hmac_key key;
    struct hmac_key salt;     /* where it holds a PRK: that of HKDF-Extract(salt, ikm) */
    const unsigned char *prk; /* where it was given from; NULL: none was */
    size_t ikm_length;
    unsigned char ikm[MESSAGE_MAX];
    size_t length;
    unsigned char message[MESSAGE_MAX];
    size_t count;
    struct hmac_result results[RESULTS];
};

extern struct hmac hmac;

/* The harness says: can it be started again without its key? */
extern bool hmac_restarts;

#endif
