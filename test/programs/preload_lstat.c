/*
 * An lstat() and a stat() that find nothing, to be preloaded: what comes after the first look
 * is on its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sys/stat.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int lstat(const char *restrict path, struct stat *restrict status)
{
    (void)path, (void)status;
    errno = ENOENT;
    return -1;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int stat(const char *restrict path, struct stat *restrict status)
{
    return lstat(path, status);
}
