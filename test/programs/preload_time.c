/*
 * preload_time - a wall clock that a test sets, to be preloaded
 *
 * AKMA_CLOCK is what time() gives. AKMA_CLOCK_STEP names a file instead: so many seconds is the
 * clock ahead, and the test may write another number at any time. AKMA_MONOTONIC_STEP and
 * AKMA_BOOTTIME_STEP do the same with the clocks that limits of time are measured by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Without memory of the heap: an allocator may ask for the time while it holds its lock. */
static time_t step(const char *name)
{
    const char *path = getenv(name);
    const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    char text[32] = "";

    if (fd < 0)
        return 0;
    (void)!read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return (time_t)strtoll(text, NULL, 10);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): as the C library has them */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += step("AKMA_CLOCK_STEP");
    if (result == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
        now->tv_sec += step("AKMA_MONOTONIC_STEP");
    if (result == 0 && clock == CLOCK_BOOTTIME)
        now->tv_sec += step("AKMA_BOOTTIME_STEP");
    return result;
}

time_t time(time_t *seconds)
{
    const char *set = getenv("AKMA_CLOCK");
    struct timespec real = {0, 0};
    time_t now;

    (void)clock_gettime(CLOCK_REALTIME, &real);
    now = set == NULL ? real.tv_sec : (time_t)strtoll(set, NULL, 10);
    if (seconds != NULL)
        *seconds = now;
    return now;
}

#if defined(__TIMESIZE) && __TIMESIZE == 32
/* time() of a library that was built with a time_t of 64 bits, as the module is */
int64_t __time64(int64_t *seconds);
int64_t __time64(int64_t *seconds) /* NOLINT(bugprone-reserved-identifier) */
{
    const char *set = getenv("AKMA_CLOCK");
    const int64_t now = set == NULL ? time(NULL) : strtoll(set, NULL, 10);

    if (seconds != NULL)
        *seconds = now;
    return now;
}
#endif
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
