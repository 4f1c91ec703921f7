/*
 * A time() that gives what AKMA_CLOCK says, to be preloaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <time.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): as the C library calls it */
time_t time(time_t *seconds)
{
    const char *set = getenv("AKMA_CLOCK");
    const time_t now = set == NULL ? 0 : (time_t)strtoll(set, NULL, 10);

    if (seconds != NULL)
        *seconds = now;
    return now;
}
