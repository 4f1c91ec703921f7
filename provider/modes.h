/*
 * The two modes of AKMA-E2E: how e2e_key comes from Key and S (docs/derivation.md)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_MODES_H
#define AKMA_MODES_H

#include <akma/kdf.h>
#include <stdbool.h>
#include <stddef.h>

struct octets;
struct prf;
struct s;

/*
 * ROW(identifier, name, function)
 *
 * OR comes between the rows if the names make up a text.
 */
#define MODES(ROW, OR)                     \
    ROW(3GPP, AKMA_MODE_3GPP, derive_3gpp) \
    OR ROW(HKDF, AKMA_MODE_HKDF, derive_hkdf)

enum kdf_mode {
#define ROW(id, ...) MODE_##id,
    MODES(ROW, )
#undef ROW
        MODE_COUNT
};

/* All names, for error texts. */
#define MODE_NAME(id, name, ...) name
#define MODE_NAMES               MODES(MODE_NAME, " or ")

struct mode {
    const char *name;
    /*
     * Derive length octets, at least one, with an open HMAC. False if HMAC failed: it must not be
     * used again, and out holds anything.
     */
    bool (*derive)(struct prf *prf, const struct octets *key, struct s *s, unsigned char *out,
                   size_t length);
};

extern const struct mode modes[MODE_COUNT];

/* Find by name, in any case; false if there is none. */
bool mode_find(const char *name, size_t length, enum kdf_mode *mode);

#endif
