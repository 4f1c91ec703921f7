/*
 * digest_find() knows each digest by its names in any case, and nothing else
 *
 * The names as OpenSSL gives them: `openssl list -digest-algorithms`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "digests.h"
#include "proof.h"

#define NAMES    22
#define NAME_MAX 24 /* octets: one more than the longest name */

static const struct {
    enum digest_id id;
    size_t length;
    char name[NAME_MAX];
} names[NAMES] = {
    {DIGEST_SHA2_256, 8, "sha2-256"},
    {DIGEST_SHA2_256, 7, "sha-256"},
    {DIGEST_SHA2_256, 6, "sha256"},
    {DIGEST_SHA2_256, 22, "2.16.840.1.101.3.4.2.1"},
    {DIGEST_SHA2_384, 8, "sha2-384"},
    {DIGEST_SHA2_384, 7, "sha-384"},
    {DIGEST_SHA2_384, 6, "sha384"},
    {DIGEST_SHA2_384, 22, "2.16.840.1.101.3.4.2.2"},
    {DIGEST_SHA2_512, 8, "sha2-512"},
    {DIGEST_SHA2_512, 7, "sha-512"},
    {DIGEST_SHA2_512, 6, "sha512"},
    {DIGEST_SHA2_512, 22, "2.16.840.1.101.3.4.2.3"},
    {DIGEST_SHA2_512_256, 12, "sha2-512/256"},
    {DIGEST_SHA2_512_256, 11, "sha-512/256"},
    {DIGEST_SHA2_512_256, 10, "sha512-256"},
    {DIGEST_SHA2_512_256, 22, "2.16.840.1.101.3.4.2.6"},
    {DIGEST_SHA3_256, 8, "sha3-256"},
    {DIGEST_SHA3_256, 22, "2.16.840.1.101.3.4.2.8"},
    {DIGEST_SHA3_384, 8, "sha3-384"},
    {DIGEST_SHA3_384, 22, "2.16.840.1.101.3.4.2.9"},
    {DIGEST_SHA3_512, 8, "sha3-512"},
    {DIGEST_SHA3_512, 23, "2.16.840.1.101.3.4.2.10"},
};

/* Octets of output, by FIPS 180-4 and FIPS 202. */
static const size_t sizes[DIGEST_COUNT] = {
    [DIGEST_SHA2_256] = 32,     [DIGEST_SHA2_384] = 48, [DIGEST_SHA2_512] = 64,
    [DIGEST_SHA2_512_256] = 32, [DIGEST_SHA3_256] = 32, [DIGEST_SHA3_384] = 48,
    [DIGEST_SHA3_512] = 64,
};

static char in_lower_case(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool is_name(size_t which, const char *name, size_t length)
{
    if (length != names[which].length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (in_lower_case(name[i]) != names[which].name[i])
            return false;
    return true;
}

void prove(void)
{
    char name[NAME_MAX];
    const size_t length = nondet_size();
    enum digest_id found = DIGEST_COUNT, wanted = DIGEST_COUNT;

    GIVEN(length <= NAME_MAX);
    for (size_t which = 0; which < NAMES; which++)
        if (is_name(which, name, length))
            wanted = names[which].id;
    CLAIM(digest_find(name, length, &found) == (wanted != DIGEST_COUNT));
    CLAIM(found == wanted);
    CLAIM(found == DIGEST_COUNT || digests[found].size == sizes[found]);
}
