/*
 * The derivations: one row an algorithm
 *
 *     S = FC || P0 || L0 || P1 || L1 || ... || Pn || Ln        TS 33.220 B.2.0
 *
 * A row names the algorithm, says what key it takes and which string S is built of: FC, P0 where it
 * is a constant, and the inputs that fill the remaining Pi in their order. The names an application
 * may set and get follow from it. To add a derivation, add a row (and its vectors); nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DERIVATIONS_H
#define AKMA_DERIVATIONS_H

#include "params.h"

#include <akma/kdf.h>

/*
 * ROW(identifier, name, description, key, FC, P0, inputs...)
 *
 * FC and P0 are string literals, empty where the inputs give them. AKMA-E2E's FC is provisional:
 * 3GPP has assigned none, 0xFF starts the two-octet form.
 */
#define DERIVATIONS(ROW)                                                                           \
    ROW(E2E, AKMA_KDF_E2E, "e2e_key = KDF(Ks_(ext/int)_NAF or K_AF, Ka), version 1", INPUT_KS_NAF, \
        "\xFF\xE2", "akma-e2e", INPUT_KA, INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE)                \
    ROW(KS_NAF, AKMA_KDF_KS_NAF, "GBA Ks_NAF and Ks_ext_NAF from Ks, TS 33.220 B.3", INPUT_KEY,    \
        "\x01", "gba-me", INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID)                                    \
    ROW(KS_INT_NAF, AKMA_KDF_KS_INT_NAF, "GBA_U Ks_int_NAF from Ks, TS 33.220 B.3", INPUT_KEY,     \
        "\x01", "gba-u", INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID)                                     \
    ROW(K_AKMA, AKMA_KDF_K_AKMA, "K_AKMA from K_AUSF, TS 33.535 A.2", INPUT_KEY, "\x80", "AKMA",   \
        INPUT_SUPI)                                                                                \
    ROW(A_TID, AKMA_KDF_A_TID, "A-TID from K_AUSF, TS 33.535 A.3", INPUT_KEY, "\x81", "A-TID",     \
        INPUT_SUPI)                                                                                \
    ROW(K_AF, AKMA_KDF_K_AF, "K_AF from K_AKMA, TS 33.535 A.4", INPUT_KEY, "\x82", "",             \
        INPUT_NAF_ID)                                                                              \
    ROW(ANY, AKMA_KDF_3GPP, "any other derivation, TS 33.220 B.2.0", INPUT_ANY_KEY, "", "",        \
        INPUT_FC, INPUT_P)

enum derivation_id {
#define ROW(id, ...) DERIVATION_##id,
    DERIVATIONS(ROW)
#undef ROW
        DERIVATION_COUNT
};

#define PARTS_MAX 5 /* inputs in one S, and the INPUT_NONE that ends them */

struct derivation {
    const char *name, *description;
    enum input key;
    const char *fc, *p0;
    size_t fc_length, p0_length;
    enum input parts[PARTS_MAX];
    bool e2e; /* AKMA-E2E: S ends with L and i, digest and mode are open */
};

extern const struct derivation derivations[DERIVATION_COUNT];

/* FC comes without a length; the list of p has one behind each p already. */
static inline bool part_has_l(enum input part)
{
    return part != INPUT_FC && part != INPUT_P;
}

#define L_SIZE 2 /* octets of a length, big endian: TS 33.220 B.2.0 */

/* Write a length; returns the place behind it. */
static inline unsigned char *write_l(unsigned char *place, size_t length)
{
    place[0] = (unsigned char)(length >> 8);
    place[1] = (unsigned char)length;
    return place + L_SIZE;
}

#endif
