/*
 * Octets that are sealed under a key of a file of keys: AES-256-GCM, by a key and a nonce that HKDF
 * makes of that key and a random salt
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

/* A piece of what is sealed with them, and is not hidden. */
struct seal_part {
    const void *octets;
    size_t length;
};

/* What both directions need: key, salt, HKDF's info, and the associated data, in order. */
struct seal {
    const struct seal_key *key;
    const unsigned char *salt; /* SEAL_SALT_LENGTH octets, random */
    const char *info;
    const struct seal_part *parts;
    size_t count;
};

/* out has length octets, and the tag. False: no AES-256-GCM or HKDF in libcrypto, or no memory. */
bool seal_octets(const struct seal *seal, const unsigned char *octets, size_t length,
                 unsigned char *out);

/* The other way; length is out's. False: they are not what was sealed, and out is cleansed. */
bool seal_open(const struct seal *seal, const unsigned char *sealed, size_t length,
               unsigned char *out);

/* A number of so many octets, highest first; returns the place behind it. */
unsigned char *seal_put_number(unsigned char *place, uint64_t value, size_t octets);

#endif
