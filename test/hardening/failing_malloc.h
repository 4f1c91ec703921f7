/*
 * Memory that runs out: the one allocation that is chosen fails, of OpenSSL (which the programs
 * allocate with as well), jansson and libevent; hiredis 0.14 cannot be asked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H

#include <stdbool.h>

/* First of all. Blocks are counted from here on. */
void failing_malloc_set_up(void);

/* The allocations of this thread are the ones that count; those of others always succeed. */
void failing_malloc_here(void);

/* From now on the number-th allocation fails, once; 0: none. */
void failing_malloc_arm(unsigned long number);

/* All have succeeded again since; did one fail? */
bool failing_malloc_disarm(void);

/* Blocks that are allocated and not freed, on all threads. */
long failing_malloc_live(void);

#endif
