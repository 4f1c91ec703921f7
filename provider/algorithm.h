/*
 * What follows from a row of the table, worked out once when the provider is loaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_ALGORITHM_H
#define AKMA_ALGORITHM_H

#include "s.h"

#define INITIALS 32 /* numbers that a name's first two characters give */

struct algorithm {
    const struct derivation *row;
    unsigned int taken;    /* INPUT_BIT of every input it takes */
    unsigned int required; /* of what has to be set, NAF_Id left out */
    bool has_naf_id;
    struct layout layout;
    const struct param *params[NAME_COUNT + 1]; /* of each settable name; ended by NULL */
    unsigned char first[INITIALS];              /* where they have the first one with these */
    OSSL_PARAM settable[NAME_COUNT + 1], gettable[INPUT_COUNT + 1]; /* and "size" */
};

void algorithm_init(struct algorithm *algorithm, const struct derivation *row);

/* The input of a name; NULL if the algorithm has none. */
const struct param *algorithm_param(const struct algorithm *algorithm, const char *name);

#endif
