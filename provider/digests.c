/*
 * The digests and modes AKMA-E2E knows: one table each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "digests.h"

#include "text.h"

#include <akma/kdf.h>

const struct digest digests[DIGEST_COUNT] = {
    [DIGEST_SHA2_256] = {AKMA_DIGEST_SHA2_256, {"SHA-256", "SHA256", "2.16.840.1.101.3.4.2.1"}, 32},
    [DIGEST_SHA2_384] = {AKMA_DIGEST_SHA2_384, {"SHA-384", "SHA384", "2.16.840.1.101.3.4.2.2"}, 48},
    [DIGEST_SHA2_512] = {AKMA_DIGEST_SHA2_512, {"SHA-512", "SHA512", "2.16.840.1.101.3.4.2.3"}, 64},
    [DIGEST_SHA2_512_256] = {AKMA_DIGEST_SHA2_512_256,
                             {"SHA-512/256", "SHA512-256", "2.16.840.1.101.3.4.2.6"},
                             32},
    [DIGEST_SHA3_256] = {AKMA_DIGEST_SHA3_256, {"2.16.840.1.101.3.4.2.8"}, 32},
    [DIGEST_SHA3_384] = {AKMA_DIGEST_SHA3_384, {"2.16.840.1.101.3.4.2.9"}, 48},
    [DIGEST_SHA3_512] = {AKMA_DIGEST_SHA3_512, {"2.16.840.1.101.3.4.2.10"}, 64},
};

const char *const mode_names[MODE_COUNT] = {
    [MODE_3GPP] = AKMA_MODE_3GPP,
    [MODE_HKDF] = AKMA_MODE_HKDF,
};

static bool digest_has_name(const struct digest *digest, const char *name, size_t length)
{
    if (text_is(digest->name, name, length))
        return true;
    for (const char *const *alias = digest->aliases; *alias != NULL; alias++)
        if (text_is(*alias, name, length))
            return true;
    return false;
}

bool digest_find(const char *name, size_t length, enum digest_id *id)
{
    for (enum digest_id i = 0; i < DIGEST_COUNT; i++)
        if (digest_has_name(&digests[i], name, length)) {
            *id = i;
            return true;
        }
    return false;
}

bool mode_find(const char *name, size_t length, enum kdf_mode *mode)
{
    for (enum kdf_mode i = 0; i < MODE_COUNT; i++)
        if (text_is(mode_names[i], name, length)) {
            *mode = i;
            return true;
        }
    return false;
}
