/*
 * An outstanding e2e_key as a shared store keeps it: sealed, and bound to what it was promised for
 *
 *     version      1 octet, 1
 *     key number   4 octets: the line of --store-key
 *     salt         32 octets, random
 *     not-after    8 octets, seconds since 1970: until then it may be used
 *     device       1 octet of length, so many octets
 *     ka-id        the same
 *     subject      the same: B-TID or A-KID of the first connection
 *     naf          the same: whose request it was
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
#ifndef SEALED_RECORD_H
#define SEALED_RECORD_H

#include "seal_keys.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEALED_RECORD_TEXTS 4
#define SEALED_RECORD_MAX \
    (1 + 4 + 32 + 8 + SEALED_RECORD_TEXTS * STORE_TEXT_SIZE + STORE_KEY_LENGTH + 16)

/*
 * Seal with the first of keys, for use until a time in seconds since 1970. False: no randomness, or
 * no AES-256-GCM or HKDF in libcrypto.
 */
bool sealed_record_make(const struct seal_keys *keys, const char *run_id, uint64_t until,
                        const struct store_record *record, unsigned char sealed[SEALED_RECORD_MAX],
                        size_t *length);

/*
 * Open what a store gave for record->identity, now in seconds since 1970. NULL: the record is
 * filled, its lifetime and not_after say until when it may be used; or the reason why it is not,
 * and it is cleansed, but that not_after says since when one is too old.
 */
const char *sealed_record_open(const struct seal_keys *keys, const char *run_id, uint64_t now,
                               const unsigned char *sealed, size_t length,
                               struct store_record *record);

#endif
