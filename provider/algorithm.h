/*
 * What follows from a row of the table, worked out once when the provider is loaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_ALGORITHM_H
#define AKMA_ALGORITHM_H

#include "derivations.h"

#define SETTABLE_MAX 14 /* names one algorithm takes, and the end */
#define GETTABLE_MAX 7
#define INITIALS     32 /* numbers that a name's first two characters give */
#define EMPTY_S_MAX  32 /* octets of S with nothing given yet */

struct algorithm {
    const struct derivation *row;
    unsigned int required; /* INPUT_BIT of what has to be set, NAF_Id left out */
    bool has_naf_id;
    size_t public_parts;                      /* index of the part from which on none is secret */
    const struct param *params[SETTABLE_MAX]; /* ended by NULL */
    unsigned char first[INITIALS];            /* where params first has a name with these */
    OSSL_PARAM settable[SETTABLE_MAX], gettable[GETTABLE_MAX];
    size_t prefix; /* octets of FC || P0 || L0 */
    size_t empty_length;
    unsigned char empty_s[EMPTY_S_MAX]; /* the prefix, and a zero length for each part */
};

void algorithm_init(struct algorithm *algorithm, const struct derivation *row);

/* The parameter of a name; NULL where the algorithm has none. */
const struct param *algorithm_param(const struct algorithm *algorithm, const char *name);

#endif
