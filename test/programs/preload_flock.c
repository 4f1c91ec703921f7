/*
 * preload_flock - a flock() before which another writer renames its file into place, once, to be
 * preloaded
 *
 * FLOCK_NEW in the environment names the new file, FLOCK_PATH what it becomes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): as the C library calls it */
int flock(int fd, int operation)
{
    const char *fresh = getenv("FLOCK_NEW"), *path = getenv("FLOCK_PATH");

    if (fresh != NULL && path != NULL)
        (void)rename(fresh, path); /* the second time there is none */
    return (int)syscall(SYS_flock, fd, operation);
}
