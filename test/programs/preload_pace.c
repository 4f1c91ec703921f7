/*
 * pace - a clock_gettime() that is a second later each time it is asked, to be preloaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>
#include <time.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): as the C library calls it */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static atomic_int seconds;

    (void)clock;
    *now = (struct timespec){.tv_sec = ++seconds};
    return 0;
}
