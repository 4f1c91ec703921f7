/*
 * Where a connection is to go: HOST:PORT, or unix:PATH
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/addrs.h"

#include "net/addr.h"
#include "net/stream.h"
#include "net/tcp.h"
#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNIX "unix:"

static bool open_path(struct addrs *addrs, const char *option, const char *path)
{
    if (path[0] == '\0' || strlen(path) >= sizeof(addrs->path.sun_path)) {
        fprintf(stderr, "--%s: a path of 1 to %zu octets must follow \"unix:\"\n", option,
                sizeof(addrs->path.sun_path) - 1);
        return false;
    }
    addrs->path.sun_family = AF_UNIX;
    memcpy(addrs->path.sun_path, path, strlen(path) + 1);
    addrs->path_addr = (struct addrinfo){.ai_family = AF_UNIX,
                                         .ai_socktype = SOCK_STREAM,
                                         .ai_addr = (struct sockaddr *)&addrs->path,
                                         .ai_addrlen = sizeof(addrs->path)};
    addrs->list = &addrs->path_addr;
    return true;
}

static bool open_any(struct addrs *addrs, const char *option, const char *text, int flags)
{
    memset(addrs, 0, sizeof(*addrs));
    if (strncmp(text, UNIX, strlen(UNIX)) == 0)
        return open_path(addrs, option, text + strlen(UNIX));
    if (strchr(text, ':') == NULL) {
        fprintf(stderr, "--%s %s: must be HOST:PORT or unix:PATH\n", option, PRINTABLE(text));
        return false;
    }
    addrs->resolved = addr_resolve(option, text, flags);
    addrs->list = addrs->resolved;
    return addrs->list != NULL;
}

bool addrs_open(struct addrs *addrs, const char *option, const char *text)
{
    return open_any(addrs, option, text, 0);
}

bool addrs_open_to_listen(struct addrs *addrs, const char *option, const char *text)
{
    return open_any(addrs, option, text, AI_PASSIVE);
}

void addrs_close(struct addrs *addrs)
{
    if (addrs->resolved != NULL)
        freeaddrinfo(addrs->resolved);
    addrs->resolved = NULL;
    addrs->list = NULL;
}

static int begin(const struct addrinfo *addr)
{
    const int fd = socket(addr->ai_family, addr->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          addr->ai_protocol);
    int error;

    if (fd < 0)
        return -1;
    if (addr->ai_family != AF_UNIX) {
        tcp_no_delay(fd);
        stream_keep_alive(fd);
    }
    if (connect(fd, addr->ai_addr, addr->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

int addrs_connect(const struct addrinfo **addr)
{
    int fd = -1;

    while (fd < 0 && *addr != NULL) {
        fd = begin(*addr);
        if (fd < 0)
            *addr = (*addr)->ai_next;
    }
    return fd;
}
