/*
 * preload_faults - the nth call of a kind fails, to be preloaded; which, a file says that a test
 * shares
 *
 * AKMA_FAULTS names the file: a struct control, which the test writes while the program runs. Calls
 * of other kinds, and all calls while no kind is chosen, are the C library's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALLS_TRACED 24
#define WAYS_KNOWN   16384 /* a power of two */

/* test/support/faults.py has the same numbers. */
enum kind { NONE, ALLOCATION, DESCRIPTOR, READ, WRITE, THREAD, NAME };

struct control {
    atomic_uint kind;   /* whose calls are counted; written last */
    atomic_uint first;  /* the number of the first that fails, from 1 */
    atomic_uint length; /* so many fail, one after the other */
    atomic_uint seen, failed;
    atomic_uint traced; /* 1: say on standard error where a call fails */
    atomic_uint later;  /* 1: in each process only from its first connection on */
    atomic_uint once; /* 1: one that came by a way by which none has failed yet; first is unused */
    _Alignas(8)
        atomic_ullong ways[WAYS_KNOWN]; /* by which calls have failed; the test clears them */
};

static struct control *control;
static atomic_bool has_connected;

/* The last functions on the stack, as one number other than 0 (FNV-1a). */
static unsigned long long way_here(unsigned int depth)
{
    unsigned long long way = 0xcbf29ce484222325ULL;
    void *calls[CALLS_TRACED];
    const int count = backtrace(calls, depth < CALLS_TRACED ? (int)depth : CALLS_TRACED);

    for (int i = 0; i < count; i++)
        way = (way ^ (uintptr_t)calls[i]) * 0x100000001b3ULL;
    return way | 1;
}

/* Before main(), and without memory of the C library's. */
__attribute__((constructor)) static void share(void)
{
    const char *path = getenv("AKMA_FAULTS");
    const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *shared = fd < 0 ? MAP_FAILED
                          : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        (void)close(fd);
    (void)way_here(CALLS_TRACED); /* the first time, it loads a library */
    if (shared != MAP_FAILED)
        control = shared;
}

/* Remembers the way; false: it is known, or there is no room. */
static bool is_new(unsigned long long way)
{
    for (size_t i = 0; i < WAYS_KNOWN; i++) {
        unsigned long long there = 0;

        if (atomic_compare_exchange_strong(&control->ways[(way / 2 + i) % WAYS_KNOWN], &there, way))
            return true;
        if (there == way)
            return false;
    }
    return false;
}

static void trace(void)
{
    void *calls[CALLS_TRACED];
    const unsigned int kind = atomic_exchange(&control->kind, NONE);

    backtrace_symbols_fd(calls, backtrace(calls, CALLS_TRACED), STDERR_FILENO);
    atomic_store(&control->kind, kind);
}

static bool fails(void)
{
    (void)atomic_fetch_add(&control->failed, 1);
    if (atomic_load(&control->traced) != 0)
        trace();
    return true;
}

static bool is_to_fail_once(void)
{
    return atomic_load(&control->failed) == 0 && is_new(way_here(atomic_load(&control->once))) &&
           fails();
}

static bool is_to_fail(enum kind kind)
{
    unsigned int number, first;

    if (control == NULL || atomic_load(&control->kind) != kind ||
        (atomic_load(&control->later) != 0 && !atomic_load(&has_connected)))
        return false;
    number = atomic_fetch_add(&control->seen, 1) + 1;
    if (atomic_load(&control->once) != 0)
        return is_to_fail_once();
    first = atomic_load(&control->first);
    if (number < first || number - first >= atomic_load(&control->length))
        return false;
    return fails();
}

/* Memory: what glibc's functions for strings and files allocate comes through here as well. */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): ours are words */

void *malloc(size_t size)
{
    return is_to_fail(ALLOCATION) ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_to_fail(ALLOCATION) ? no_memory() : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_to_fail(ALLOCATION) ? no_memory() : __libc_realloc(old, size);
}

/*
 * The rest: a function of the C library with the same name is called where ours does not fail.
 * REPLACE(kind, error, type, failure, name, parameters, arguments)
 */

/* NOLINTBEGIN(bugprone-macro-parentheses): a type and a list of parameters */
#define REPLACE(kind, error, type, failure, name, parameters, arguments) \
    type name parameters                                                 \
    {                                                                    \
        static type(*real) parameters;                                   \
                                                                         \
        if (real == NULL) {                                              \
            void *found = dlsym(RTLD_NEXT, #name);                       \
                                                                         \
            memcpy(&real, &found, sizeof(real));                         \
        }                                                                \
        if (!is_to_fail(kind))                                           \
            return real arguments;                                       \
        errno = (error);                                                 \
        return failure;                                                  \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

/* A connection breaks; a file cannot be read, or there is no room for it. */
static int broken(int fd, int of_file)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? ECONNRESET : of_file;
}

REPLACE(DESCRIPTOR, EMFILE, int, -1, socket, (int domain, int type, int protocol),
        (domain, type, protocol))
REPLACE(DESCRIPTOR, EMFILE, int, -1, socketpair, (int domain, int type, int protocol, int fds[2]),
        (domain, type, protocol, fds))
REPLACE(DESCRIPTOR, EMFILE, int, -1, pipe2, (int fds[2], int flags), (fds, flags))
REPLACE(DESCRIPTOR, EMFILE, int, -1, accept, (int fd, __SOCKADDR_ARG address, socklen_t *size),
        (fd, address, size))
REPLACE(DESCRIPTOR, EMFILE, int, -1, accept4,
        (int fd, __SOCKADDR_ARG address, socklen_t *size, int flags), (fd, address, size, flags))
REPLACE(DESCRIPTOR, EMFILE, int, -1, eventfd, (unsigned int count, int flags), (count, flags))
REPLACE(DESCRIPTOR, EMFILE, int, -1, timerfd_create, (int clock, int flags), (clock, flags))
REPLACE(DESCRIPTOR, EMFILE, int, -1, epoll_create1, (int flags), (flags))
REPLACE(DESCRIPTOR, EMFILE, FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
REPLACE(DESCRIPTOR, EMFILE, FILE *, NULL, fopen64, (const char *path, const char *mode),
        (path, mode))

REPLACE(READ, broken(fd, EIO), ssize_t, -1, read, (int fd, void *octets, size_t size),
        (fd, octets, size))
REPLACE(READ, broken(fd, EIO), ssize_t, -1, readv, (int fd, const struct iovec *parts, int count),
        (fd, parts, count))
REPLACE(READ, ECONNRESET, ssize_t, -1, recv, (int fd, void *octets, size_t size, int flags),
        (fd, octets, size, flags))
REPLACE(READ, ECONNRESET, ssize_t, -1, recvmsg, (int fd, struct msghdr *message, int flags),
        (fd, message, flags))

REPLACE(WRITE, broken(fd, ENOSPC), ssize_t, -1, write, (int fd, const void *octets, size_t size),
        (fd, octets, size))
REPLACE(WRITE, broken(fd, ENOSPC), ssize_t, -1, writev,
        (int fd, const struct iovec *parts, int count), (fd, parts, count))
REPLACE(WRITE, ECONNRESET, ssize_t, -1, send, (int fd, const void *octets, size_t size, int flags),
        (fd, octets, size, flags))
REPLACE(WRITE, ECONNRESET, ssize_t, -1, sendmsg, (int fd, const struct msghdr *message, int flags),
        (fd, message, flags))

/* A descriptor to be watched takes memory of the kernel's; to watch it no longer takes none. */
int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    static int (*real)(int, int, int, struct epoll_event *);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "epoll_ctl");

        memcpy(&real, &found, sizeof(real));
    }
    if (operation != EPOLL_CTL_ADD || !is_to_fail(DESCRIPTOR))
        return real(epoll_fd, operation, fd, event);
    errno = ENOSPC;
    return -1;
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    static int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "connect");

        memcpy(&real, &found, sizeof(real));
    }
    atomic_store(&has_connected, true);
    if (!is_to_fail(DESCRIPTOR))
        return real(fd, address, size);
    errno = EADDRNOTAVAIL;
    return -1;
}

static int open_as(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...);
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(&real, &found, sizeof(real));
    if (!is_to_fail(DESCRIPTOR))
        return real(path, flags, mode);
    errno = EMFILE;
    return -1;
}

static mode_t mode_of(int flags, va_list arguments)
{
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, by its callers */
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_as("open64", path, flags, mode);
}

size_t fread(void *octets, size_t size, size_t count, FILE *file)
{
    static size_t (*real)(void *, size_t, size_t, FILE *);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "fread");

        memcpy(&real, &found, sizeof(real));
    }
    if (!is_to_fail(READ))
        return real(octets, size, count, file);
    errno = EIO;
    return 0;
}

char *fgets(char *line, int size, FILE *file)
{
    static char *(*real)(char *, int, FILE *);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "fgets");

        memcpy(&real, &found, sizeof(real));
    }
    if (!is_to_fail(READ))
        return real(line, size, file);
    errno = EIO;
    return NULL;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **addresses)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "getaddrinfo");

        memcpy(&real, &found, sizeof(real));
    }
    return is_to_fail(NAME) ? EAI_AGAIN : real(host, service, hints, addresses);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");

        memcpy(&real, &found, sizeof(real));
    }
    return is_to_fail(THREAD) ? EAGAIN : real(thread, attributes, start, argument);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
