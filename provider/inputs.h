/*
 * What one context was given: its key, its S and its settings, changed in transactions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_INPUTS_H
#define AKMA_INPUTS_H

#include "algorithm.h"

#define KEY_EMBEDDED 64 /* octets: every key but a long one of 3GPP-KDF */

struct inputs {
    const struct algorithm *algorithm;
    struct settings settings;
    struct octets key;
    struct s s;
    unsigned char key_embedded[KEY_EMBEDDED];
};

/* Empty, with the defaults. */
void inputs_init(struct inputs *inputs, const struct algorithm *algorithm);

/* Cleanse and release; only inputs_init() may follow. */
void inputs_free(struct inputs *inputs);

/* Make an initialised copy; false when out of memory, and then copy is empty. */
bool inputs_copy(struct inputs *copy, const struct inputs *inputs);

/* What a set of parameters replaced: what a rollback needs. */
struct inputs_undo {
    enum { UNDO_NOTHING, UNDO_TO_EMPTY, UNDO_SAVED } kind;
    /* INPUT_BIT of what an HMAC may hold and is another now: key, first part, digest, properties */
    unsigned int changed;
    struct settings settings;
    struct s_undo s;
    struct octets key; /* the old one, if there is a new one */
    unsigned char key_embedded[KEY_EMBEDDED];
};

/*
 * Begin a transaction: apply parameters, all or none of them; an error is raised. Names that the
 * algorithm does not know are ignored, as the core's convention is. Commit or rollback has to
 * follow, after a failure too.
 */
bool inputs_begin(struct inputs *inputs, const OSSL_PARAM given[], struct inputs_undo *undo,
                  const struct errors *errors);

/* The parameters stay in use: cleanse and release what they replaced. */
void inputs_commit(struct inputs *inputs, struct inputs_undo *undo);

/* Everything is as it was before. */
void inputs_rollback(struct inputs *inputs, struct inputs_undo *undo);

/* True if an input was set or has a default; a NAF_Id also if both its halves were set. */
bool inputs_has(const struct inputs *inputs, enum input input);

/* True if every input for deriving is set; else an error that names the missing one is raised. */
bool inputs_complete(const struct inputs *inputs, const struct errors *errors);

#endif
