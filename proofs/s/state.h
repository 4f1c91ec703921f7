/*
 * The model of S that the code is compared with: AKMA-E2E's, written from its parts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATE_H
#define STATE_H

#include "proof.h"
#include "s.h"

#define PARTS  4  /* Ka, NAF_Id, refresh, usage */
#define LENGTH 2  /* octets of a part, at most */
#define BEGIN  12 /* octets of FC || P0 || L0 */
#define S_MAX  (BEGIN + PARTS * (LENGTH + L_SIZE))

/* One value of a part, as a reader of S would have it. */
struct part {
    size_t length;
    unsigned char octets[LENGTH];
};

static const unsigned char begin[BEGIN] = {0xFF, 0xE2, 'a', 'k', 'm', 'a',
                                           '-',  'e',  '2', 'e', 0,   8};
static struct layout layout;

/* Write S from parts, octet by octet: the model that the code is compared with. */
static size_t write_model(unsigned char model[], const struct part of[PARTS])
{
    size_t length = 0;

    for (size_t i = 0; i < BEGIN; i++)
        model[length++] = begin[i];
    for (size_t part = 0; part < PARTS; part++) {
        for (size_t i = 0; i < LENGTH; i++)
            if (i < of[part].length)
                model[length++] = of[part].octets[i];
        model[length++] = 0;
        model[length++] = (unsigned char)of[part].length;
    }
    return length;
}

/* Does S hold these parts, and nothing else? */
static void claim_holds(const struct s *s, const struct part of[PARTS])
{
    unsigned char model[S_MAX];
    const size_t length = write_model(model, of);

    CLAIM(s->octets.length == length);
    for (size_t i = 0; i < S_MAX; i++)
        CLAIM(i >= length || s->octets.data[i] == model[i]);
    for (size_t part = 0; part < PARTS; part++)
        CLAIM(s->length[part] == of[part].length);
}

#endif
