/*
 * Listening sockets that a program is started with: LISTEN_FDS, as sd_listen_fds(3) has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/inherited.h"

#include "net/tcp.h"
#include "printable.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST         3      /* descriptor */
#define INHERITED_MAX 65536L /* of UDP there may be one per loop and address */

struct inherited_socket {
    char name[64];
    bool is_taken;
};

static struct {
    bool is_read;
    int count;
    struct inherited_socket *sockets;
} inherited;

/* The names, from the first descriptor on; what has none is nobody's. */
static void read_names(const char *names)
{
    for (int i = 0; i < inherited.count && names != NULL; i++) {
        const char *end = strchrnul(names, ':');

        (void)snprintf(inherited.sockets[i].name, sizeof(inherited.sockets[i].name), "%.*s",
                       (int)(end - names), names);
        names = *end == '\0' ? NULL : end + 1;
    }
}

/* Once; programs that this one starts are told of other sockets, or of none. */
static void read_environment(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    const long number = count == NULL ? 0 : strtol(count, NULL, 10);

    if (inherited.is_read)
        return;
    inherited.is_read = true;
    if (pid != NULL && strtol(pid, NULL, 10) == (long)getpid() && number > 0)
        inherited.count = (int)(number < INHERITED_MAX ? number : INHERITED_MAX);
    inherited.sockets = calloc((size_t)inherited.count + 1, sizeof(*inherited.sockets));
    if (inherited.sockets == NULL)
        inherited.count = 0; /* nothing else will get memory, either */
    read_names(getenv("LISTEN_FDNAMES"));
    for (int i = 0; i < inherited.count; i++)
        (void)fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
}

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

static bool listens(int fd)
{
    return option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1;
}

static bool takes_datagrams(int fd)
{
    const int domain = option_of(fd, SO_DOMAIN);

    return option_of(fd, SO_TYPE) == SOCK_DGRAM && (domain == AF_INET || domain == AF_INET6);
}

/* It does not block from now on. False: it is not what is wanted. */
static bool prepare(const char *name, int fd, bool (*is_wanted)(int fd), const char *wanted)
{
    const int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && is_wanted(fd) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
        return true;
    fprintf(stderr, "LISTEN_FDNAMES: descriptor %d, %s, is no socket %s\n", fd, PRINTABLE(name),
            wanted);
    return false;
}

static bool prepare_listening(const char *name, int fd)
{
    if (!prepare(name, fd, listens, "that listens for connections"))
        return false;
    if (option_of(fd, SO_DOMAIN) != AF_UNIX)
        tcp_no_delay(fd);
    return true;
}

bool inherited_take(const char *name, struct listenings *listenings)
{
    listenings->count = 0;
    read_environment();
    for (int i = 0; i < inherited.count; i++) {
        struct listening *place = &listenings->at[listenings->count];

        if (inherited.sockets[i].is_taken || strcmp(inherited.sockets[i].name, name) != 0)
            continue;
        if (listenings->count == ADDRS_MAX || !prepare_listening(name, FIRST + i))
            return false;
        inherited.sockets[i].is_taken = true;
        place->fd = FIRST + i;
        addr_show(place->fd, place->shown);
        listenings->count++;
    }
    return true;
}

bool inherited_take_datagrams(const char *name, int *fd)
{
    int i = 0;

    *fd = -1;
    read_environment();
    while (i < inherited.count &&
           (inherited.sockets[i].is_taken || strcmp(inherited.sockets[i].name, name) != 0))
        i++;
    if (i == inherited.count)
        return true;
    if (!prepare(name, FIRST + i, takes_datagrams, "of UDP"))
        return false;
    inherited.sockets[i].is_taken = true;
    *fd = FIRST + i;
    return true;
}

bool inherited_has(const char *name)
{
    read_environment();
    for (int i = 0; i < inherited.count; i++)
        if (!inherited.sockets[i].is_taken && strcmp(inherited.sockets[i].name, name) == 0)
            return true;
    return false;
}

void inherited_close_rest(void)
{
    read_environment();
    for (int i = 0; i < inherited.count; i++)
        if (!inherited.sockets[i].is_taken) {
            fprintf(stderr,
                    "LISTEN_FDNAMES: descriptor %d is closed, because no option that was given is "
                    "called \"%s\"\n",
                    FIRST + i, PRINTABLE(inherited.sockets[i].name));
            (void)close(FIRST + i);
            inherited.sockets[i].is_taken = true;
        }
}
