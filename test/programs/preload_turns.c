/*
 * preload_turns - how long a thread works between two waits for events, to be preloaded
 *
 * AKMA_TURNS names a file of 8 octets, which has the longest time so far: nanoseconds of the
 * processor, so that whatever else the machine does is not counted. A test may set it to 0. The
 * first thread, which reads files and serves nobody, is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong *longest;
static int (*wait_for_events)(int, struct epoll_event *, int, int);
static _Thread_local unsigned long long began; /* 0: it has not waited yet */

__attribute__((constructor)) static void set_up(void)
{
    const char *path = getenv("AKMA_TURNS");
    const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    *(void **)&wait_for_events = dlsym(RTLD_NEXT, "epoll_wait");
    longest = mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (longest == MAP_FAILED)
        abort();
    (void)close(fd);
}

static unsigned long long processor_time(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec + 1;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int epoll_wait(int epoll, struct epoll_event *events, int most, int milliseconds)
{
    const bool serves = gettid() != getpid();
    const unsigned long long took = serves && began != 0 ? processor_time() - began : 0;
    unsigned long long before = atomic_load(longest);
    int count;

    while (took > before && !atomic_compare_exchange_weak(longest, &before, took))
        continue;
    count = wait_for_events(epoll, events, most, milliseconds);
    began = processor_time();
    return count;
}
