/*
 * What S is made of, for each algorithm, as its specification has it: the model of derivations.h
 *
 *     S = FC || P0 || L0 || P1 || L1 || ... || Pn || Ln        TS 33.220 B.2.0
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHAPES_H
#define SHAPES_H

#include "proof.h"
#include "s.h"

#define PARTS 4 /* at most */

struct shape {
    size_t begin;                /* octets of FC || P0 || L0 */
    const char *begin_is;        /* these */
    enum input parts[PARTS + 1]; /* ended by INPUT_NONE */
    bool is_free;                /* FC and P are inputs, and have no L of their own behind them */
};

static const struct shape shapes[DERIVATION_COUNT] = {
    [DERIVATION_E2E] = {12,
                        "\xFF\xE2"
                        "akma-e2e\0\x08",
                        {INPUT_KA, INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE}},
    /* TS 33.220 B.3 */
    [DERIVATION_KS_NAF] = {9, "\x01gba-me\0\x06", {INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID}},
    [DERIVATION_KS_INT_NAF] = {8, "\x01gba-u\0\x05", {INPUT_RAND, INPUT_IMPI, INPUT_NAF_ID}},
    /* TS 33.535 A.2, A.3, A.4 */
    [DERIVATION_K_AKMA] = {7,
                           "\x80"
                           "AKMA\0\x04",
                           {INPUT_SUPI}},
    [DERIVATION_A_TID] = {8,
                          "\x81"
                          "A-TID\0\x05",
                          {INPUT_SUPI}},
    [DERIVATION_K_AF] = {1, "\x82", {INPUT_NAF_ID}},
    [DERIVATION_KA] = {11,
                       "\xFF\xE2"
                       "akma-ka\0\x07",
                       {INPUT_DEVICE, INPUT_KA_ID}},
    [DERIVATION_ANY] = {0, "", {INPUT_FC, INPUT_P}, true},
};

/* Write one part, with its L; returns the place behind it. */
static unsigned char *write_part(const struct shape *shape, const struct value *part,
                                 unsigned char *place)
{
    for (size_t i = 0; i < part->length; i++)
        *place++ = part->octets[i];
    if (!shape->is_free) {
        *place++ = (unsigned char)(part->length / 256);
        *place++ = (unsigned char)(part->length % 256);
    }
    return place;
}

/* Write S from its parts, octet by octet; returns its length. */
static size_t write_s(const struct shape *shape, const struct value parts[], unsigned char *s)
{
    unsigned char *place = s;

    for (size_t i = 0; i < shape->begin; i++)
        *place++ = (unsigned char)shape->begin_is[i];
    for (size_t i = 0; shape->parts[i] != INPUT_NONE; i++)
        place = write_part(shape, &parts[i], place);
    return (size_t)(place - s);
}

/* These octets are at this place; returns the place behind them. */
static const unsigned char *claim_octets(const unsigned char *place, const unsigned char *octets,
                                         size_t length)
{
    for (size_t i = 0; i < length; i++)
        CLAIM(place[i] == octets[i]);
    return place + length;
}

/* Does S hold these parts, and nothing else? */
static void claim_s(const struct s *s, const struct shape *shape, const struct value parts[])
{
    const unsigned char *place = s->octets.data;

    place = claim_octets(place, (const unsigned char *)shape->begin_is, shape->begin);
    for (size_t i = 0; shape->parts[i] != INPUT_NONE; i++) {
        const size_t length = parts[i].length;
        const unsigned char l[] = {(unsigned char)(length / 256), (unsigned char)(length % 256)};

        CLAIM(s->length[i] == length);
        place = claim_octets(place, parts[i].octets, length);
        place = claim_octets(place, l, shape->is_free ? 0 : sizeof(l));
    }
    CLAIM(place == s->octets.data + s->octets.length);
}

#endif
