/*
 * HOST:PORT, as s_server and s_client take it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/addr.h"

#include "net/stream.h"
#include "net/tcp.h"
#include "printable.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG  512
#define PORT_TOP 65535

static void complain(const char *option, const char *address, const char *what)
{
    fprintf(stderr, "--%s %s: %s\n", option, PRINTABLE(address), what);
}

/* getaddrinfo() takes numbers modulo 2^16. Only who listens takes any port that is free, as 0. */
static bool is_port(const char *service, bool listens)
{
    const unsigned long number = strtoul(service, NULL, 10);

    return service[strspn(service, "0123456789")] != '\0' ||
           (number <= PORT_TOP && (number > 0 || listens));
}

struct addrinfo *addr_resolve(const char *option, const char *address, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    const bool listens = (flags & AI_PASSIVE) != 0;
    char *host = NULL, *service = NULL;
    int error;

    if (strchr(address, ':') == NULL ||
        !BIO_parse_hostserv(address, &host, &service, BIO_PARSE_PRIO_SERV) || service == NULL) {
        complain(option, address, "must be HOST:PORT");
    } else if (!is_port(service, listens)) {
        complain(option, address,
                 listens ? "the port must be a number from 0 to 65535, or a service's name"
                         : "the port must be a number from 1 to 65535, or a service's name");
    } else {
        error = getaddrinfo(host, service, &hints, &found);
        if (error != 0)
            complain(option, address, gai_strerror(error));
    }
    OPENSSL_free(host);
    OPENSSL_free(service);
    return found;
}

static int open_socket(const struct addrinfo *addr)
{
    return socket(addr->ai_family, addr->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  addr->ai_protocol);
}

/* Finish a connect() that did not block. */
static int is_connected(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(errno);
    int error = 0;

    if (poll(&wanted, 1, STREAM_SECONDS * 1000) <= 0) {
        errno = ETIMEDOUT;
        return 0;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return 0;
    errno = error;
    return error == 0;
}

int addr_connect(const char *option, const char *address)
{
    struct addrinfo *addrs = addr_resolve(option, address, 0);
    int fd = -1;

    for (const struct addrinfo *addr = addrs; addr != NULL && fd < 0; addr = addr->ai_next) {
        fd = open_socket(addr);
        if (fd >= 0 && connect(fd, addr->ai_addr, addr->ai_addrlen) != 0 &&
            (errno != EINPROGRESS || !is_connected(fd))) {
            (void)close(fd);
            fd = -1;
        }
    }
    if (fd < 0 && addrs != NULL)
        complain(option, address, strerror(errno));
    if (addrs != NULL)
        freeaddrinfo(addrs);
    return fd;
}

static void show(int fd, char shown[ADDR_SIZE])
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    char host[64] = "", port[8] = "";

    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(shown, ADDR_SIZE, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
}

int addr_listen_at(const struct addrinfo *addrs, char shown[ADDR_SIZE])
{
    const int yes = 1;
    int fd = -1;

    for (const struct addrinfo *addr = addrs; addr != NULL && fd < 0; addr = addr->ai_next) {
        fd = open_socket(addr);
        if (fd >= 0 &&
            (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
             bind(fd, addr->ai_addr, addr->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
            (void)close(fd);
            fd = -1;
        }
    }
    if (fd >= 0) {
        tcp_no_delay(fd);
        show(fd, shown);
    }
    return fd;
}

int addr_listen(const char *option, const char *address, char shown[ADDR_SIZE])
{
    struct addrinfo *addrs = addr_resolve(option, address, AI_PASSIVE);
    const int fd = addr_listen_at(addrs, shown);

    if (fd < 0 && addrs != NULL)
        complain(option, address, strerror(errno));
    if (addrs != NULL)
        freeaddrinfo(addrs);
    return fd;
}

size_t addr_network(const struct sockaddr *peer, unsigned char key[ADDR_NETWORK_SIZE])
{
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)peer;
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)peer;
    const bool mapped = peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&ip6->sin6_addr) != 0;

    key[0] = peer->sa_family == AF_INET6 && !mapped ? 6 : 4;
    if (peer->sa_family == AF_INET6)
        memcpy(key + 1, ip6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
    else
        memcpy(key + 1, &ip4->sin_addr, 4);
    return key[0] == 6 ? 9 : 5;
}
