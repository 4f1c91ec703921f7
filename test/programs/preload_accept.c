/*
 * preload_accept - holds a connection between its acceptance and what follows, to be preloaded
 *
 * One thread alone accepts, whichever is the first. The fourth that it has accepted waits: it makes
 * the file that AKMA_GATE names, and goes on when that is removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELD 4

static int (*accept_one)(int, __SOCKADDR_ARG, socklen_t *, int);
static atomic_int acceptor; /* its thread; 0: none yet */

__attribute__((constructor)) static void set_up(void)
{
    *(void **)&accept_one = dlsym(RTLD_NEXT, "accept4");
}

static void wait_at_the_gate(void)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    const char *gate = getenv("AKMA_GATE");
    const int fd = gate == NULL ? -1 : open(gate, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR);

    if (fd < 0)
        abort();
    (void)close(fd);
    while (access(gate, F_OK) == 0)
        (void)nanosleep(&pause, NULL);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int accept4(int listening, __SOCKADDR_ARG peer, socklen_t *size, int flags)
{
    static int accepted; /* by that thread */
    int nobody = 0, fd;

    if (!atomic_compare_exchange_strong(&acceptor, &nobody, gettid()) && nobody != gettid()) {
        errno = EAGAIN;
        return -1;
    }
    fd = accept_one(listening, peer, size, flags);
    if (fd >= 0 && ++accepted == HELD)
        wait_at_the_gate();
    return fd;
}
