/*
 * What the harnesses share: a claim, an assumption, values of which nothing is known
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLAIM(condition) __CPROVER_assert(condition, #condition)
#define GIVEN(condition) __CPROVER_assume(condition)

/* Any value: cbmc gives these names a meaning. */
bool nondet_bool(void);
size_t nondet_size(void);
int64_t nondet_int64(void);
unsigned char nondet_octet(void);

/* What the harness tells the stubs: which of the things that may fail is to fail, counted from 1;
 * 0: none of them. And whether the octets that are compared next are the same. */
extern size_t failing;
extern bool compares_same;

/* What they tell it: whether that has failed, how much memory is in use (blocks of secret octets,
 * and texts), what was cleansed last, and how many errors were raised. */
extern bool has_failed;
extern size_t blocks, texts;
extern const void *cleansed;
extern size_t raised;

/* Whatever may fail asks this. */
bool fails(void);

#endif
