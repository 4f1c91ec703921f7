/*
 * A Ka as a row of a database keeps it: sealed, and bound to its device and ka-id
 *
 *     1 octet version, 4 octets number of the key, 32 octets salt, Ka under AES-256-GCM, its tag
 *
 * Numbers are big endian. The associated data are: what comes before Ka; "akma-ka"; the device
 * after its length in 2 octets; the ka-id likewise. So somebody who can write to the database can
 * neither make a Ka nor move one to another device or ka-id.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_ROW_H
#define KA_ROW_H

#include "rows.h"
#include "seal.h"
#include "seal_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KA_ROW_HEAD   (1 + 4 + SEAL_SALT_LENGTH)
#define KA_ROW_EXTRA  (KA_ROW_HEAD + SEAL_TAG_LENGTH) /* octets beside Ka's */
#define KA_ROW_LENGTH (KA_ROW_EXTRA + ROW_KA_MAX)     /* at most */

/*
 * Seal with the first key, into KA_ROW_EXTRA + length octets. False: no randomness, no AES-256-GCM
 * or HKDF in libcrypto, or no memory.
 */
bool ka_row_seal(const struct seal_keys *keys, const char *device, const char *ka_id,
                 const unsigned char *ka, size_t length, unsigned char *sealed);

/*
 * Open what a database returned as the Ka of a device and ka-id; ka has room for length octets.
 * NULL: done, and *ka_length is its length. Else the reason why not, and ka is cleansed.
 */
const char *ka_row_open(const struct seal_keys *keys, const char *device, const char *ka_id,
                        const unsigned char *sealed, size_t length, unsigned char *ka,
                        size_t *ka_length);

#endif
