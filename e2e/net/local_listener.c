/*
 * A listener for programs of this machine alone: a loopback address, or a socket of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/local_listener.h"

#include "net/addrs.h"
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

static bool are_loopback(const struct addrinfo *addrs)
{
    for (const struct addrinfo *addr = addrs; addr != NULL; addr = addr->ai_next)
        if (addr->ai_family != AF_UNIX && !is_loopback(addr->ai_addr))
            return false;
    return true;
}

/* A socket that a process has left behind, and nobody listens on, makes way. */
static void remove_stale(const struct addrinfo *addr, const char *path)
{
    struct stat status;
    int fd;

    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, addr->ai_addr, addr->ai_addrlen) != 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    if (fd >= 0)
        (void)close(fd);
}

/* The mode has to be right from the first moment on. */
static bool listen_on_path(struct local_listener *listener, const struct addrinfo *addr)
{
    const char *path = ((const struct sockaddr_un *)addr->ai_addr)->sun_path;
    struct stat status;
    mode_t before;
    bool bound;

    remove_stale(addr, path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    bound = listener->fd >= 0 && bind(listener->fd, addr->ai_addr, addr->ai_addrlen) == 0;
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
    struct addrs addrs;
    bool open = false;

    *listener = (struct local_listener){.fd = -1};
    if (!addrs_open_to_listen(&addrs, option, text))
        return false;
    if (addrs.list->ai_family == AF_UNIX)
        open = listen_on_path(listener, addrs.list) || complain(option, text, strerror(errno));
    else if (!are_loopback(addrs.list))
        (void)complain(
            option, text,
            "must be a loopback address (127.0.0.1, [::1]) or unix:PATH: whoever connects "
            "there speaks as the device");
    else
        open = (listener->fd = addr_listen_at(addrs.list, listener->shown)) >= 0 ||
               complain(option, text, strerror(errno));
    addrs_close(&addrs);
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
