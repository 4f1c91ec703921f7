/*
 * The string S: the one place that knows its layout
 *
 *     S = FC || P0 || L0 || P1 || L1 || ... || Pn || Ln        TS 33.220 B.2.0
 *
 * S is kept as it is hashed: FC || P0 || L0, then each part with its length, zero until it is set.
 * Setting a part splices it in, so that deriving finds S ready and a refresh copies a few octets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_S_H
#define AKMA_S_H

#include "derivations.h"
#include "octets.h"

#define L_SIZE     2   /* octets of a length, big endian: TS 33.220 B.2.0 */
#define S_TAIL     7   /* octets of L || 0002 || i || 0001 */
#define S_EMBEDDED 512 /* octets: every S but with a very long Ka, FQDN or SUPI */

/* What follows for S from a row, worked out once when the provider is loaded. */
struct layout {
    const enum input *parts;         /* the row's */
    unsigned char l_size[PARTS_MAX]; /* octets of the length behind a part: L_SIZE or 0 */
    size_t public_parts;             /* index of the part from which on none is secret */
    size_t tail;                     /* octets of the tail */
    size_t begin;                    /* octets of FC || P0 || L0 */
    size_t empty_length;
    unsigned char empty[FC_AND_P0_MAX + L_SIZE + L_SIZE * PARTS_MAX]; /* S with every part empty */
};

void layout_init(struct layout *layout, const struct derivation *row);

struct s {
    const struct layout *layout;
    struct octets octets;     /* as far as it is set, room for S_TAIL behind it */
    size_t length[PARTS_MAX]; /* octets of each part, its L not counted */
    unsigned char embedded[S_EMBEDDED];
};

/* Empty: every part has length zero. */
void s_init(struct s *s, const struct layout *layout);

/* Cleanse and release; only s_init() may follow. */
void s_free(struct s *s);

/* Make an initialised copy; false when out of memory, and then copy is empty. */
bool s_copy(struct s *copy, const struct s *s);

/* A part, which the row must have; of length 0 at its place if it was not set. */
struct value s_part(const struct s *s, enum input part);

/* Setting parts: go through the places of S, having reserved what all parts together grow by. */
struct place {
    size_t index, offset;
};

/* The first place whose part is in a set of INPUT_BIT; behind the last part if none is. */
struct place s_find(const struct s *s, unsigned int wanted);
enum input s_at(const struct s *s, const struct place *place); /* INPUT_NONE behind the last part */
void s_next(const struct s *s, struct place *place);

/* Make room for growth octets more; false when out of memory, and then nothing has changed. */
bool s_reserve(struct s *s, size_t growth);

void s_put(struct s *s, const struct place *place, const struct value *value);

/* A part that is a list: empty it, then add each element, which gets an L of its own. */
void s_empty(struct s *s, const struct place *place);
void s_add(struct s *s, const struct place *place, const struct value *element);

/* S from a place on, for a rollback. */
struct s_undo {
    size_t offset;
    bool is_public; /* nothing in it is secret */
    size_t length[PARTS_MAX];
    struct octets octets;
    unsigned char embedded[S_EMBEDDED];
};

/* False when out of memory, and then there is nothing to release. */
bool s_save(const struct s *s, const struct place *from, struct s_undo *saved);
void s_rollback(struct s *s, const struct s_undo *saved);
void s_undo_free(struct s_undo *saved);

/* Write the tail of a row that has one behind S, i = 0; returns where i is. L: octets of output. */
unsigned char *s_end(struct s *s, size_t length);

/* S with its tail. */
struct value s_whole(const struct s *s);

/* The pieces for HKDF: FC || P0 || L0; from there to the first part and its L; from there to i. */
struct value s_begin(const struct s *s);
struct value s_extracted(const struct s *s);
struct value s_expanded(const struct s *s);

#endif
