/*
 * Where a connection is to go: HOST:PORT, or unix:PATH
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/target.h"

#include "net/address.h"
#include "net/stream.h"
#include "net/tcp.h"
#include "printable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNIX "unix:"

static bool open_path(struct target *target, const char *option, const char *path)
{
    if (path[0] == '\0' || strlen(path) >= sizeof(target->path.sun_path)) {
        fprintf(stderr, "--%s: a path of 1 to %zu octets must follow \"unix:\"\n", option,
                sizeof(target->path.sun_path) - 1);
        return false;
    }
    target->path.sun_family = AF_UNIX;
    memcpy(target->path.sun_path, path, strlen(path) + 1);
    target->path_place = (struct addrinfo){.ai_family = AF_UNIX,
                                           .ai_socktype = SOCK_STREAM,
                                           .ai_addr = (struct sockaddr *)&target->path,
                                           .ai_addrlen = sizeof(target->path)};
    target->places = &target->path_place;
    return true;
}

static bool open_any(struct target *target, const char *option, const char *text, int flags)
{
    memset(target, 0, sizeof(*target));
    if (strncmp(text, UNIX, strlen(UNIX)) == 0)
        return open_path(target, option, text + strlen(UNIX));
    if (strchr(text, ':') == NULL) {
        fprintf(stderr, "--%s %s: must be HOST:PORT or unix:PATH\n", option, PRINTABLE(text));
        return false;
    }
    target->resolved = address_resolve(option, text, flags);
    target->places = target->resolved;
    return target->places != NULL;
}

bool target_open(struct target *target, const char *option, const char *text)
{
    return open_any(target, option, text, 0);
}

bool target_open_to_listen(struct target *target, const char *option, const char *text)
{
    return open_any(target, option, text, AI_PASSIVE);
}

void target_close(struct target *target)
{
    if (target->resolved != NULL)
        freeaddrinfo(target->resolved);
    target->resolved = NULL;
    target->places = NULL;
}

static int begin(const struct addrinfo *place)
{
    const int fd = socket(place->ai_family, place->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          place->ai_protocol);
    int error;

    if (fd < 0)
        return -1;
    if (place->ai_family != AF_UNIX) {
        tcp_no_delay(fd);
        stream_keep_alive(fd);
    }
    if (connect(fd, place->ai_addr, place->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

int target_connect(const struct addrinfo **place)
{
    int fd = -1;

    while (fd < 0 && *place != NULL) {
        fd = begin(*place);
        if (fd < 0)
            *place = (*place)->ai_next;
    }
    return fd;
}
