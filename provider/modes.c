/*
 * The two modes of AKMA-E2E; the 3GPP derivations are of the first one, with a single block
 *
 * The comment above each step says what it computes, in the notation of docs/derivation.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "modes.h"

#include "prf.h"
#include "s.h"
#include "utf8.h"

#include <openssl/crypto.h>

/* Start HMAC-Hash(Key, ...); an HMAC that holds the key already is used again. */
static bool start_with_key(struct prf *prf, const struct octets *key)
{
    return prf->key_state == KEY_INPUT ? prf_again(prf)
                                       : prf_key(prf, KEY_INPUT, key->data, key->length);
}

/* e2e_key = first L octets of T(1) || T(2) || ... */
static bool derive_3gpp(struct prf *prf, const struct octets *key, struct s *s, unsigned char *out,
                        size_t length)
{
    const size_t size = digests[prf->digest].size;
    unsigned char *i = s_end(s, length);
    const struct value whole = s_whole(s);

    for (; length > 0; out += size) {
        const size_t block = length < size ? length : size;

        /* T(i) = HMAC-Hash( Key, S(i) ) */
        ++*i;
        if (!start_with_key(prf, key) || !prf_update(prf, whole.octets, whole.length) ||
            !prf_final(prf, out, block))
            return false;
        length -= block;
    }
    return true;
}

/* PRK = HKDF-Extract( salt = Key, IKM = FC || P0 || L0 || Ka || La ), and HMAC-Hash(PRK, ...) */
static bool start_with_prk(struct prf *prf, const struct octets *key, const struct s *s)
{
    const struct value ikm = s_extracted(s);
    const size_t size = digests[prf->digest].size;
    unsigned char prk[DIGEST_SIZE_MAX];
    bool done;

    if (prf->key_state == KEY_PRK)
        return prf_again(prf);
    done = start_with_key(prf, key) && prf_update(prf, ikm.octets, ikm.length) &&
           prf_final(prf, prk, size) && prf_key(prf, KEY_PRK, prk, size);
    OPENSSL_cleanse(prk, sizeof(prk));
    return done;
}

/* e2e_key = HKDF-Expand( PRK, info, L ) = first L octets of T(1) || T(2) || ... (RFC 5869) */
static bool derive_hkdf(struct prf *prf, const struct octets *key, struct s *s, unsigned char *out,
                        size_t length)
{
    const size_t size = digests[prf->digest].size;
    unsigned char *i = s_end(s, length);
    const struct value begin = s_begin(s), rest = s_expanded(s);
    size_t before = 0; /* octets of T(i-1) */

    for (; length > 0; out += size) {
        const size_t block = length < size ? length : size;

        /* T(i) = HMAC-Hash( PRK, T(i-1) || info || i ), info = FC || P0 || L0 || NAF_Id || ... ||
         * L5 */
        ++*i;
        if (!start_with_prk(prf, key, s) || !prf_update(prf, out - before, before) ||
            !prf_update(prf, begin.octets, begin.length) ||
            !prf_update(prf, rest.octets, rest.length) || !prf_final(prf, out, block))
            return false;
        before = size;
        length -= block;
    }
    return true;
}

const struct mode modes[MODE_COUNT] = {
#define ROW(id, name, function) [MODE_##id] = {name, function},
    MODES(ROW, )
#undef ROW
};

bool mode_find(const char *name, size_t length, enum kdf_mode *mode)
{
    for (enum kdf_mode i = 0; i < MODE_COUNT; i++)
        if (ascii_is(modes[i].name, name, length)) {
            *mode = i;
            return true;
        }
    return false;
}
