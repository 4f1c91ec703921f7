/*
 * The derivations: one row per algorithm
 *
 *     S = FC || P0 || L0 || P1 || L1 || ... || Pn || Ln        TS 33.220 B.2.0
 *
 * A row names the algorithm and says everything about it: which key it takes, which settings it
 * leaves open, how many blocks of the digest it can give, and which string S is made of. To add a
 * derivation, add a row (and its vectors), and nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DERIVATIONS_H
#define AKMA_DERIVATIONS_H

#include "params.h"

/*
 * ROW(identifier, name, description, key, settings, least, blocks, tail, FC, P0, inputs...)
 *
 * settings: the open ones; a setting that is not open has its default. least: the shortest output,
 * in octets; blocks: the longest, in outputs of the digest. tail: what S ends with. FC and P0 are
 * string literals, empty if the inputs give them; the inputs fill the remaining Pi in their order.
 * OWN_FC is provisional: 3GPP has assigned none, and 0xFF starts the two-octet form.
 */
#define DERIVATIONS(ROW)                                                                           \
    ROW(E2E, AKMA_KDF_E2E, "e2e_key = KDF(Ks_(ext/int)_NAF or K_AF, Ka), version 1", INPUT_KS_NAF, \
        E2E_SETTINGS, 1, AKMA_OUTPUT_BLOCKS_MAX, TAIL_L_AND_I, OWN_FC, "akma-e2e", INPUT_KA,       \
        INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE)                                                  \
    ROW(KS_NAF, AKMA_KDF_KS_NAF, "GBA Ks_NAF and Ks_ext_NAF from Ks, TS 33.220 B.3", INPUT_KEY,    \
        PROPERTIES, 1, 1, NO_TAIL, "\x01", "gba-me", INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID)         \
    ROW(KS_INT_NAF, AKMA_KDF_KS_INT_NAF, "GBA_U Ks_int_NAF from Ks, TS 33.220 B.3", INPUT_KEY,     \
        PROPERTIES, 1, 1, NO_TAIL, "\x01", "gba-u", INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID)          \
    ROW(K_AKMA, AKMA_KDF_K_AKMA, "K_AKMA from K_AUSF, TS 33.535 A.2", INPUT_KEY, PROPERTIES, 1, 1, \
        NO_TAIL, "\x80", "AKMA", INPUT_SUPI)                                                       \
    ROW(A_TID, AKMA_KDF_A_TID, "A-TID from K_AUSF, TS 33.535 A.3", INPUT_KEY, PROPERTIES, 1, 1,    \
        NO_TAIL, "\x81", "A-TID", INPUT_SUPI)                                                      \
    ROW(K_AF, AKMA_KDF_K_AF, "K_AF from K_AKMA, TS 33.535 A.4", INPUT_KEY, PROPERTIES, 1, 1,       \
        NO_TAIL, "\x82", "", INPUT_NAF_ID)                                                         \
    ROW(KA, AKMA_KDF_KA, "Ka of a device from a third party's K_master", INPUT_KEY, PROPERTIES,    \
        AKMA_KEY_LENGTH, 1, NO_TAIL, OWN_FC, "akma-ka", INPUT_DEVICE, INPUT_KA_ID)                 \
    ROW(ANY, AKMA_KDF_3GPP, "any other derivation, TS 33.220 B.2.0", INPUT_ANY_KEY, PROPERTIES, 1, \
        1, NO_TAIL, "", "", INPUT_FC, INPUT_P)

#define OWN_FC     "\xFF\xE2"
#define PROPERTIES INPUT_BIT(INPUT_PROPERTIES)
#define E2E_SETTINGS \
    (PROPERTIES | INPUT_BIT(INPUT_DIGEST) | INPUT_BIT(INPUT_MODE) | INPUT_BIT(INPUT_NOT_AFTER))

/* What S ends with: nothing more, or L || 0002 || i || 0001, the output's length and the block. */
enum tail { NO_TAIL, TAIL_L_AND_I };

enum derivation_id {
#define ROW(id, ...) DERIVATION_##id,
    DERIVATIONS(ROW)
#undef ROW
        DERIVATION_COUNT
};

struct derivation {
    const char *name, *description;
    enum input key;
    unsigned int settings; /* INPUT_BIT of each */
    size_t least, blocks;
    enum tail tail;
    const char *fc, *p0;
    size_t fc_length, p0_length;
    const enum input *parts; /* ended by INPUT_NONE */
};

extern const struct derivation derivations[DERIVATION_COUNT];

/* The largest number of parts a row has, and of octets its FC || P0 has. */
union most_parts {
#define ROW(id, name, description, key, settings, least, blocks, tail, fc, p0, ...) \
    char id[sizeof((enum input[]){__VA_ARGS__}) / sizeof(enum input)];
    DERIVATIONS(ROW)
#undef ROW
};
#define PARTS_MAX sizeof(union most_parts)

union longest_begin {
#define ROW(id, name, description, key, settings, least, blocks, tail, fc, p0, ...) \
    char id[sizeof(fc p0)];
    DERIVATIONS(ROW)
#undef ROW
};
#define FC_AND_P0_MAX sizeof(union longest_begin)

#endif
