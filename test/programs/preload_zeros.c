/*
 * zeros - a getrandom() that gives zeros alone, to be preloaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <sys/random.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): as the C library calls it */
ssize_t getrandom(void *octets, size_t length, unsigned int flags)
{
    (void)flags;
    memset(octets, 0, length);
    return (ssize_t)length;
}
