/*
 * An outstanding e2e_key as a shared store keeps it: sealed, and bound to what it was promised for
 *
 *     version      1 octet, 1
 *     key number   4 octets: the line of --store-key
 *     salt         32 octets, random
 *     not-after    8 octets, seconds since 1970: until then it may be used
 *     device       1 octet of length, so many octets
 *     ka-id        the same
 *     sealed       32 octets of e2e_key, 16 of GCM's tag
 *
 * Numbers have their highest octet first. The wrapping key and the salt give, by HKDF with SHA-256,
 * 32 octets of AES-256-GCM's key and 12 of its nonce. Associated data is all before the sealed
 * octets, then the identity (2 octets of length before it) and the run_id of the Redis that keeps
 * the record. So who writes to a store can neither read a key, nor give a record to another
 * identity, nor bring back the records of a server that ran before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RECORD_H
#define RECORD_H

#include "e2e_key.h"
#include "wrap_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_TEXT_MAX 255 /* octets of a device and of a ka-id */
#define RECORD_MAX      (1 + 4 + 32 + 8 + 2 * (1 + RECORD_TEXT_MAX) + E2E_KEY_LENGTH + 16)

struct record {
    uint64_t not_after; /* seconds since 1970 */
    char device[RECORD_TEXT_MAX + 1], ka_id[RECORD_TEXT_MAX + 1];
    unsigned char key[E2E_KEY_LENGTH];
};

/* Seal with the first of keys. False: no randomness, or no AES-256-GCM or HKDF in libcrypto. */
bool record_seal(const struct wrap_keys *keys, const char *identity, const char *run_id,
                 const struct record *record, unsigned char sealed[RECORD_MAX], size_t *length);

/*
 * Open what a store gave for an identity, at a time in seconds since 1970. NULL: record is filled;
 * or the reason why it is not, which is cleansed then.
 */
const char *record_open(const struct wrap_keys *keys, const char *identity, const char *run_id,
                        uint64_t now, const unsigned char *sealed, size_t length,
                        struct record *record);

#endif
