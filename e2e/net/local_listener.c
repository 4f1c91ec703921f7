/*
 * A listener for programs of this machine alone: a loopback address, or a socket of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/local_listener.h"

#include "net/target.h"
#include "printable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 512

static bool complain(const char *option, const char *text, const char *what)
{
    fprintf(stderr, "--%s %s: %s\n", option, PRINTABLE(text), what);
    return false;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool are_loopback(const struct addrinfo *places)
{
    for (const struct addrinfo *place = places; place != NULL; place = place->ai_next)
        if (place->ai_family != AF_UNIX && !is_loopback(place->ai_addr))
            return false;
    return true;
}

/* A socket that a process has left behind, and nobody listens on, makes way. */
static void remove_stale(const struct addrinfo *place, const char *path)
{
    struct stat status;
    int fd;

    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, place->ai_addr, place->ai_addrlen) != 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    if (fd >= 0)
        (void)close(fd);
}

/* The mode has to be right from the first moment on. */
static bool listen_on_path(struct local_listener *listener, const struct addrinfo *place)
{
    const char *path = ((const struct sockaddr_un *)place->ai_addr)->sun_path;
    struct stat status;
    mode_t before;
    bool bound;

    remove_stale(place, path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    bound = listener->fd >= 0 && bind(listener->fd, place->ai_addr, place->ai_addrlen) == 0;
    (void)umask(before);
    if (!bound || lstat(path, &status) != 0)
        return false;
    (void)snprintf(listener->path, sizeof(listener->path), "%s", path);
    (void)snprintf(listener->shown, sizeof(listener->shown), "unix:%s", path);
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return listen(listener->fd, BACKLOG) == 0;
}

/* Nobody else gets the inode's number before the socket is closed. */
static bool is_still_there(const struct local_listener *listener)
{
    struct stat status;

    return lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
           status.st_ino == listener->inode;
}

bool local_listener_open(struct local_listener *listener, const char *option, const char *text)
{
    struct target target;
    bool open = false;

    *listener = (struct local_listener){.fd = -1};
    if (!target_open_to_listen(&target, option, text))
        return false;
    if (target.places->ai_family == AF_UNIX)
        open = listen_on_path(listener, target.places) || complain(option, text, strerror(errno));
    else if (!are_loopback(target.places))
        (void)complain(
            option, text,
            "must be a loopback address (127.0.0.1, [::1]) or unix:PATH: whoever connects "
            "there speaks as the device");
    else
        open = (listener->fd = address_listen_at(target.places, listener->shown)) >= 0 ||
               complain(option, text, strerror(errno));
    target_close(&target);
    if (!open)
        local_listener_close(listener);
    return open;
}

void local_listener_close(struct local_listener *listener)
{
    if (listener->path[0] != '\0' && is_still_there(listener))
        (void)unlink(listener->path);
    if (listener->fd >= 0)
        (void)close(listener->fd);
    listener->fd = -1;
    listener->path[0] = '\0';
}
