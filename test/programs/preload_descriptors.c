/*
 * preload_descriptors - ends a program that receives from a descriptor which it has closed, to be
 * preloaded
 *
 * In a program of several threads the number may be another one's socket by then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static ssize_t (*receive)(int, struct msghdr *, int);

__attribute__((constructor)) static void set_up(void)
{
    *(void **)&receive = dlsym(RTLD_NEXT, "recvmsg");
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    const ssize_t length = receive(fd, message, flags);

    if (length < 0 && errno == EBADF)
        abort();
    return length;
}
