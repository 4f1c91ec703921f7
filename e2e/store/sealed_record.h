/*
 * An outstanding e2e_key as a shared store keeps it: sealed, and bound to its purpose
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
 * Numbers are big endian. HKDF with SHA-256 derives AES-256-GCM's key (32 octets) and nonce (12
 * octets) from the sealing key and the salt. The associated data are everything before the sealed
 * octets, the identity after its length in 2 octets, and the run_id of the Redis that keeps the
 * record. So somebody who can write to a store can neither read a key, nor move a record to another
 * identity, nor restore the records of an earlier run of the server.
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
 * Seal with the first key, for use until a time in seconds since 1970. False: no randomness, or no
 * AES-256-GCM or HKDF in libcrypto.
 */
bool sealed_record_make(const struct seal_keys *keys, const char *run_id, uint64_t until,
                        const struct store_record *record, unsigned char sealed[SEALED_RECORD_MAX],
                        size_t *length);

/*
 * Open what a store returned for record->identity; now is in seconds since 1970. NULL: the record
 * is filled, and its lifetime and not_after say until when it may be used. Else the reason why not;
 * then the record is cleansed, except that not_after says when it became too old.
 */
const char *sealed_record_open(const struct seal_keys *keys, const char *run_id, uint64_t now,
                               const unsigned char *sealed, size_t length,
                               struct store_record *record);

#endif
