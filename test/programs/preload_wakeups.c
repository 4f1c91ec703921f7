/*
 * preload_wakeups - loops that do not hear of what is posted to them, to be preloaded
 *
 * While the file that AKMA_GATE names is there, what the first thread writes to an eventfd waits;
 * it goes on its way when that thread next waits for events without the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HELD_MAX 64

static const char *gate;
static int (*wait_for_events)(int, struct epoll_event *, int, int);
static ssize_t (*write_octets)(int, const void *, size_t);
static int held[HELD_MAX]; /* the first thread's */
static size_t count;

__attribute__((constructor)) static void set_up(void)
{
    gate = getenv("AKMA_GATE");
    *(void **)&wait_for_events = dlsym(RTLD_NEXT, "epoll_wait");
    *(void **)&write_octets = dlsym(RTLD_NEXT, "write");
}

static bool is_held_back(void)
{
    return gettid() == getpid() && gate != NULL && access(gate, F_OK) == 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
ssize_t write(int fd, const void *octets, size_t length)
{
    if (length != sizeof(uint64_t) || count == HELD_MAX || !is_held_back())
        return write_octets(fd, octets, length);
    held[count++] = fd;
    return (ssize_t)length;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int epoll_wait(int epoll, struct epoll_event *events, int most, int milliseconds)
{
    static const uint64_t one = 1;

    while (count > 0 && gettid() == getpid() && !is_held_back())
        (void)!write_octets(held[--count], &one, sizeof(one));
    return wait_for_events(epoll, events, most, milliseconds);
}
