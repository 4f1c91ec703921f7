/*
 * A listener for programs of this machine alone: a loopback address, or a socket of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/local_listener.h"

#include "net/addrs.h"
#include "net/dgram.h"
#include "net/inherited.h"
#include "options.h"
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
#define NOT_LOCAL                                                                                \
    "must be a loopback address (127.0.0.1, [::1]) or unix:PATH: a program that connects there " \
    "speaks as the device"

static bool print_fault(const char *option, const char *text, const char *what)
{
    fprintf(stderr, "%s--%s %s: %s\n", options_where(option), option, PRINTABLE(text), what);
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

static bool are_loopback(const struct addrinfo *addresses)
{
    for (const struct addrinfo *each = addresses; each != NULL; each = each->ai_next)
        if (!is_loopback(each->ai_addr))
            return false;
    return true;
}

/* A socket that a process has left behind, and nobody listens on, is removed. */
static void remove_stale(const struct sockaddr_un *address)
{
    const char *path = address->sun_path;
    struct stat status;
    int fd;

    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno == ECONNREFUSED)
        (void)unlink(path);
    if (fd >= 0)
        (void)close(fd);
}

/* The mode has to be right from the first moment on. */
static bool listen_on_path(struct local_listener *listener, const struct sockaddr_un *address)
{
    const char *path = address->sun_path;
    struct listening *place = &listener->sockets.at[0];
    struct stat status;
    mode_t before;
    bool bound;

    remove_stale(address);
    place->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (place->fd < 0)
        return false;
    listener->sockets.count = 1;
    before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    bound = bind(place->fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    (void)umask(before);
    if (!bound || lstat(path, &status) != 0)
        return false;
    (void)snprintf(listener->path, sizeof(listener->path), "%s", path);
    (void)snprintf(place->shown, sizeof(place->shown), ADDRS_UNIX "%s", path);
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return listen(place->fd, BACKLOG) == 0;
}

/* Nobody else gets the inode's number before the socket is closed. */
static bool is_still_there(const struct local_listener *listener)
{
    struct stat status;

    return lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
           status.st_ino == listener->inode;
}

/* To be released; NULL: the reason is said. */
static struct addrinfo *loopback_addresses(const char *option, const char *text, int type)
{
    struct addrinfo *addresses = addr_resolve_to_listen(option, text, type, true);

    if (addresses == NULL || are_loopback(addresses))
        return addresses;
    (void)print_fault(option, text, NOT_LOCAL);
    freeaddrinfo(addresses);
    return NULL;
}

static bool listen_on_loopback(struct local_listener *listener, const char *option,
                               const char *text)
{
    struct addrinfo *addresses = loopback_addresses(option, text, SOCK_STREAM);
    bool done;

    if (addresses == NULL)
        return false;
    done =
        addr_listen_at(&listener->sockets, addresses) || print_fault(option, text, strerror(errno));
    freeaddrinfo(addresses);
    return done;
}

static bool is_path(const char *text)
{
    return strncmp(text, ADDRS_UNIX, strlen(ADDRS_UNIX)) == 0;
}

bool local_listener_check(const char *option, const char *text)
{
    const bool is_udp = dgram_address(text) != NULL;
    struct addrinfo *addresses;
    struct sockaddr_un path;

    if (is_udp && !dgram_check(option, text))
        return false;
    if (strchr(text, ':') == NULL)
        return print_fault(option, text, "must be HOST:PORT or unix:PATH");
    if (is_path(text))
        return addrs_path(option, text + strlen(ADDRS_UNIX), &path);
    addresses = loopback_addresses(option, text, is_udp ? SOCK_DGRAM : SOCK_STREAM);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    return addresses != NULL;
}

/* Inherited sockets may have been opened to others by the program's starter. */
static bool is_private(const char *option, const struct listening *place)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(bound);
    struct stat status;

    if (getsockname(place->fd, (struct sockaddr *)&bound, &size) != 0)
        return print_fault(option, place->shown, strerror(errno));
    if (bound.ss_family != AF_UNIX)
        return is_loopback((const struct sockaddr *)&bound) ||
               print_fault(option, place->shown, NOT_LOCAL);
    if (stat(((const struct sockaddr_un *)&bound)->sun_path, &status) == 0 &&
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return print_fault(option, place->shown,
                           "others can connect: it must have mode 0600 (systemd: SocketMode=0600)");
    return true;
}

bool local_listener_is_private(const char *option, const struct listenings *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (!is_private(option, &sockets->at[i]))
            return false;
    return true;
}

bool local_listener_open(struct local_listener *listener, const char *option, const char *text)
{
    struct sockaddr_un path;

    memset(listener, 0, sizeof(*listener));
    if (!inherited_take(option, &listener->sockets))
        return false;
    if (listener->sockets.count > 0)
        return local_listener_is_private(option, &listener->sockets);
    if (strchr(text, ':') == NULL)
        return print_fault(option, text, "must be HOST:PORT or unix:PATH");
    if (!is_path(text))
        return listen_on_loopback(listener, option, text);
    if (!addrs_path(option, text + strlen(ADDRS_UNIX), &path))
        return false;
    if (listen_on_path(listener, &path))
        return true;
    (void)print_fault(option, text, strerror(errno));
    local_listener_close(listener);
    return false;
}

void local_listener_close(struct local_listener *listener)
{
    if (listener->path[0] != '\0' && is_still_there(listener))
        (void)unlink(listener->path);
    addr_close(&listener->sockets);
    listener->path[0] = '\0';
}
