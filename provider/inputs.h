/*
 * The inputs of one context, kept in the form in which they are hashed
 *
 * A context holds its key and S itself: FC || P0 || L0, then each part it was given with its
 * length. Setting a part splices it into S, so that deriving finds S ready and a refresh copies a
 * few octets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_INPUTS_H
#define AKMA_INPUTS_H

#include "algorithm.h"
#include "digests.h"
#include "octets.h"

#define KEY_EMBEDDED 64  /* octets: every key but a long one of 3GPP-KDF */
#define S_EMBEDDED   512 /* octets: every S but with a very long Ka, FQDN or SUPI */
#define S_TAIL       7   /* octets: what deriving appends, L || 0002 || i || 0001 */

/* What is known of the inputs beside their octets. */
struct settings {
    unsigned int present; /* INPUT_BIT of what was set; NAF_ID or its two halves, never both */
    enum digest_id digest;
    enum kdf_mode mode;
    int64_t not_after;
    char *properties;         /* NULL: none */
    size_t length[PARTS_MAX]; /* octets of each part, its L not counted */
};

struct inputs {
    const struct algorithm *algorithm;
    struct settings settings;
    struct octets key;
    struct octets s; /* S as far as it is given, room for S_TAIL behind it */
    unsigned char key_embedded[KEY_EMBEDDED];
    unsigned char s_embedded[S_EMBEDDED];
};

/* What a set of parameters replaced, until it is known whether they stay in force. */
struct replaced {
    bool anything;        /* else nothing was set, and nothing else here is meant */
    unsigned int changed; /* INPUT_BIT of what is another value now: key, Ka, digest, properties */
    struct settings settings;
    size_t s_offset;
    struct octets s;   /* the old S from s_offset on */
    bool is_public;    /* it is no secret */
    struct octets key; /* the old one, where there is a new one */
    unsigned char key_embedded[KEY_EMBEDDED];
    unsigned char s_embedded[S_EMBEDDED];
};

/* Empty, defaults in force. */
void inputs_init(struct inputs *inputs, const struct algorithm *algorithm);

/* Cleanse and release; only inputs_init() may follow. */
void inputs_free(struct inputs *inputs);

/* Make an initialised copy; false when out of memory, then copy is empty. */
bool inputs_copy(struct inputs *copy, const struct inputs *inputs);

/*
 * Take parameters, all or none of them; an error is raised. Names the algorithm does not know are
 * ignored, as the core's convention is. One of the next two has to follow.
 */
bool inputs_set(struct inputs *inputs, const OSSL_PARAM params[], struct replaced *replaced,
                const struct errors *errors);

/* They stay in force: forget what they replaced. */
void inputs_keep(struct inputs *inputs, struct replaced *replaced);

/* They do not: everything is as it was before. */
void inputs_put_back(struct inputs *inputs, struct replaced *replaced);

/* Is all there that deriving needs? An error that names what is missing is raised. */
bool inputs_complete(const struct inputs *inputs, const struct errors *errors);

/* Is there a NAF_Id, whole or by both its halves? */
bool inputs_has_naf_id(const struct inputs *inputs);

/* Where a part stands in S; length 0 at its place where it was not given. */
struct value inputs_part(const struct inputs *inputs, enum input part);

#endif
