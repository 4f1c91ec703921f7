/*
 * Octets sealed with AES-256-GCM, under a key and a nonce that HKDF derives from a key of a file
 * and a random salt
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SEAL_H
#define SEAL_H

#include "seal_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_SALT_LENGTH 32
#define SEAL_TAG_LENGTH  16

/* A piece of the associated data: authenticated, but not encrypted. */
struct seal_part {
    const void *octets;
    size_t length;
};

/* What both directions need; parts are the associated data, in order. */
struct seal {
    const struct seal_key *key;
    const unsigned char *salt; /* SEAL_SALT_LENGTH octets, random */
    const char *info;
    const struct seal_part *parts;
    size_t count;
};

/* out gets length octets and the tag. False: no AES-256-GCM or HKDF in libcrypto, or no memory. */
bool seal_octets(const struct seal *seal, const unsigned char *octets, size_t length,
                 unsigned char *out);

/* The inverse; length is out's. False: this is not what was sealed, and out is cleansed. */
bool seal_open(const struct seal *seal, const unsigned char *sealed, size_t length,
               unsigned char *out);

/* Write a number in so many octets, big endian; returns the place behind it. */
unsigned char *seal_put_number(unsigned char *place, uint64_t value, size_t octets);

#endif
