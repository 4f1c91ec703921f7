/*
 * Processors that this process may use
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "processors.h"

#include <sched.h>

size_t processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}
