/*
 * Processors that this process may use
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROCESSORS_H
#define PROCESSORS_H

#include <stddef.h>

/* How many there are by sched_getaffinity(2): at least 1, and 1 if the system does not say. */
size_t processors(void);

#endif
