/*
 * HOST:PORT, as s_server and s_client take it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "address.h"

#include "stream.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/bio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

static int complain(const char *address, const char *what)
{
    fprintf(stderr, "%s: %s\n", address, what);
    return -1;
}

struct addrinfo *address_resolve(const char *address, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    char *host = NULL, *service = NULL;
    int error;

    if (strchr(address, ':') == NULL ||
        !BIO_parse_hostserv(address, &host, &service, BIO_PARSE_PRIO_SERV) || service == NULL) {
        (void)complain(address, "must be HOST:PORT");
    } else {
        error = getaddrinfo(host, service, &hints, &found);
        if (error != 0)
            (void)complain(address, gai_strerror(error));
    }
    OPENSSL_free(host);
    OPENSSL_free(service);
    return found;
}

static int open_socket(const struct addrinfo *place)
{
    return socket(place->ai_family, place->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  place->ai_protocol);
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

int address_connect(const char *address)
{
    struct addrinfo *places = address_resolve(address, 0);
    int fd = -1;

    for (const struct addrinfo *place = places; place != NULL && fd < 0; place = place->ai_next) {
        fd = open_socket(place);
        if (fd >= 0 && connect(fd, place->ai_addr, place->ai_addrlen) != 0 &&
            (errno != EINPROGRESS || !is_connected(fd))) {
            (void)close(fd);
            fd = -1;
        }
    }
    if (fd < 0 && places != NULL)
        (void)complain(address, strerror(errno));
    if (places != NULL)
        freeaddrinfo(places);
    return fd;
}

static void show(int fd, char shown[ADDRESS_SIZE])
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    char host[64] = "", port[8] = "";

    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(shown, ADDRESS_SIZE, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host,
                   port);
}

int address_listen(const char *address, char shown[ADDRESS_SIZE])
{
    struct addrinfo *places = address_resolve(address, AI_PASSIVE);
    const int yes = 1;
    int fd = -1;

    for (const struct addrinfo *place = places; place != NULL && fd < 0; place = place->ai_next) {
        fd = open_socket(place);
        if (fd >= 0 &&
            (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
             bind(fd, place->ai_addr, place->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
            (void)close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        show(fd, shown);
    else if (places != NULL)
        (void)complain(address, strerror(errno));
    if (places != NULL)
        freeaddrinfo(places);
    return fd;
}
