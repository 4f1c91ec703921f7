/*
 * The digests and modes AKMA-E2E knows, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DIGESTS_H
#define AKMA_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>

/* In the order of the table; also the index of a digest's pool (prf.c) and its bit in a policy. */
enum digest_id {
    DIGEST_SHA2_256,
    DIGEST_SHA2_384,
    DIGEST_SHA2_512,
    DIGEST_SHA2_512_256,
    DIGEST_SHA3_256,
    DIGEST_SHA3_384,
    DIGEST_SHA3_512,
    DIGEST_COUNT
};

enum kdf_mode { MODE_3GPP, MODE_HKDF, MODE_COUNT };

#define DIGEST_SIZE_MAX 64 /* octets, of the largest output */

struct digest {
    const char *name;       /* canonical: OpenSSL's first name for it */
    const char *aliases[4]; /* OpenSSL's other names and the OID; ends with NULL */
    size_t size;            /* octets of output */
};

extern const struct digest digests[DIGEST_COUNT];
extern const char *const mode_names[MODE_COUNT];

/* All names, for error texts. */
#define DIGEST_NAMES "SHA2-256, SHA2-384, SHA2-512, SHA2-512/256, SHA3-256, SHA3-384 or SHA3-512"
#define MODE_NAMES   "3GPP or HKDF"

/* Find by name or alias, in any case; false where there is none. */
bool digest_find(const char *name, size_t length, enum digest_id *id);
bool mode_find(const char *name, size_t length, enum kdf_mode *mode);

#endif
