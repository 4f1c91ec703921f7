/*
 * NAF_Id as an input: given whole, or by its two halves
 *
 * The identity is one thing: a NAF_Id replaces the halves, and either half drops a NAF_Id that was
 * given whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_NAF_ID_H
#define AKMA_NAF_ID_H

#include "inputs.h"

/*
 * Put NAF_Id together: into joined and values[INPUT_NAF_ID], from the halves in values that are
 * given, and from what inputs hold of the other one. False if the whole is given as well; an error
 * is raised.
 */
bool naf_id_join(unsigned char joined[AKMA_NAF_ID_MAX], struct value values[INPUT_COUNT],
                 unsigned int given, const struct inputs *inputs, const struct errors *errors);

/* What is present when this is given after that. */
unsigned int naf_id_present(unsigned int before, unsigned int given);

/* Raise an error that says what of it is missing; false. */
bool naf_id_missing(unsigned int present, const struct errors *errors);

#endif
