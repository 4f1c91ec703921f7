/*
 * What the harnesses share: a claim, an assumption, values of which nothing is known
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>

#define CLAIM(condition) __CPROVER_assert(condition, #condition)
#define GIVEN(condition) __CPROVER_assume(condition)

/* Any value: cbmc gives these names a meaning. */
bool nondet_bool(void);
size_t nondet_size(void);
unsigned char nondet_octet(void);

/* How many octets were written of the secure memory that is given back next: they must be cleansed
 * by then. */
extern size_t secret_length;

#endif
