/*
 * The digests AKMA-E2E knows: one row per digest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DIGESTS_H
#define AKMA_DIGESTS_H

#include <akma/kdf.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * ROW(identifier, name, octets of output, further names...)
 *
 * The name is OpenSSL's first one, the further ones are its aliases and the OID. COMMA and OR come
 * between the rows if the names make up a text.
 */
#define DIGESTS(ROW, COMMA, OR)                                                                  \
    ROW(SHA2_256, AKMA_DIGEST_SHA2_256, 32, "SHA-256", "SHA256", "2.16.840.1.101.3.4.2.1")       \
    COMMA ROW(SHA2_384, AKMA_DIGEST_SHA2_384, 48, "SHA-384", "SHA384", "2.16.840.1.101.3.4.2.2") \
        COMMA                                                                                    \
        ROW(SHA2_512, AKMA_DIGEST_SHA2_512, 64, "SHA-512", "SHA512", "2.16.840.1.101.3.4.2.3")   \
            COMMA                                                                                \
            ROW(SHA2_512_256, AKMA_DIGEST_SHA2_512_256, 32, "SHA-512/256", "SHA512-256",         \
                "2.16.840.1.101.3.4.2.6") COMMA                                                  \
            ROW(SHA3_256, AKMA_DIGEST_SHA3_256, 32, "2.16.840.1.101.3.4.2.8") COMMA              \
            ROW(SHA3_384, AKMA_DIGEST_SHA3_384, 48, "2.16.840.1.101.3.4.2.9") OR                 \
            ROW(SHA3_512, AKMA_DIGEST_SHA3_512, 64, "2.16.840.1.101.3.4.2.10")

/* Also the index of a digest's pool (prf.c) and its bit in a policy. */
enum digest_id {
#define ROW(id, ...) DIGEST_##id,
    DIGESTS(ROW, , )
#undef ROW
        DIGEST_COUNT
};

/* The size of the largest output. */
union digest_output {
#define ROW(id, name, size, ...) unsigned char id[size];
    DIGESTS(ROW, , )
#undef ROW
};
#define DIGEST_SIZE_MAX sizeof(union digest_output)

/* All names, for error texts. */
#define DIGEST_NAME(id, name, ...) name
#define DIGEST_NAMES               DIGESTS(DIGEST_NAME, ", ", " or ")

struct digest {
    const char *name;
    size_t size;                /* octets of output */
    const char *const *aliases; /* ended by NULL */
};

extern const struct digest digests[DIGEST_COUNT];

/* Find by name or alias, in any case; false if there is none. */
bool digest_find(const char *name, size_t length, enum digest_id *id);

#endif
