/*
 * Memory that runs out: the one allocation that is chosen fails, of OpenSSL (which the programs
 * allocate with as well), jansson and libevent; hiredis 0.14 cannot be asked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STARVING_H
#define STARVING_H

#include <stdbool.h>

/* First of all. Blocks are counted from here on. */
void starving_set_up(void);

/* The allocations of this thread are the ones that count; those of others always succeed. */
void starving_here(void);

/* From now on the number-th allocation fails, once; 0: none. */
void starving_arm(unsigned long number);

/* All have succeeded again since; did one fail? */
bool starving_disarm(void);

/* Blocks that are allocated and not freed, on all threads. */
long starving_live(void);

#endif
