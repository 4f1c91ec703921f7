/*
 * HOST:PORT, as s_server and s_client take it: understood, resolved, listened on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/addr.h"

#include "net/addrs.h"
#include "net/dgram.h"
#include "net/inherited.h"
#include "net/tcp.h"
#include "options.h"
#include "printable.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PORT_TRIES 20 /* for any port that is free at every address */
#define BACKLOG    512
#define PORT_TOP   65535

static bool print_fault(const char *option, const char *address, const char *what)
{
    fprintf(stderr, "%s--%s %s: %s\n", options_where(option), option, PRINTABLE(address), what);
    return false;
}

/* getaddrinfo() takes numbers modulo 2^16. Only a listener takes any port that is free, as 0. */
static bool is_port(const char *service, bool is_to_listen)
{
    const unsigned long number = strtoul(service, NULL, 10);

    return service[strspn(service, "0123456789")] != '\0' ||
           (number <= PORT_TOP && (number > 0 || is_to_listen));
}

/* Services are this machine's own table: what it does not have will not come later, as a name may.
 */
static int find_service(const char *service, int type, in_port_t *port)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = type};
    struct addrinfo *found = NULL;
    const int error = getaddrinfo(NULL, service, &hints, &found);

    if (error != 0)
        return error;
    *port = ntohs(((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_port);
    freeaddrinfo(found);
    return 0;
}

/* Its number instead of its name. */
static bool replace_service(const char *option, const char *address, int type, char **service)
{
    in_port_t port = 0;
    const int error = find_service(*service, type, &port);
    char number[sizeof("65535")];

    if (error != 0)
        return print_fault(option, address,
                           error != EAI_SERVICE ? gai_strerror(error)
                           : type == SOCK_DGRAM
                               ? "/etc/services has no service of that name for UDP"
                               : "/etc/services has no service of that name for TCP");
    (void)snprintf(number, sizeof(number), "%u", (unsigned int)port);
    OPENSSL_free(*service);
    *service = OPENSSL_strdup(number);
    return *service != NULL || print_fault(option, address, strerror(ENOMEM));
}

bool addr_parse(const char *option, const char *address, int type, bool is_to_listen, char **host,
                char **service)
{
    const char *pair = type == SOCK_DGRAM ? dgram_address(address) : address;
    bool done = false;

    *host = *service = NULL;
    if (strchr(pair, ':') == NULL ||
        !BIO_parse_hostserv(pair, host, service, BIO_PARSE_PRIO_SERV) || *service == NULL)
        (void)print_fault(option, address, "must be HOST:PORT");
    else if (!is_port(*service, is_to_listen))
        (void)print_fault(option, address,
                          is_to_listen
                              ? "the port must be a number from 0 to 65535, or a service's name"
                              : "the port must be a number from 1 to 65535, or a service's name");
    else
        done = replace_service(option, address, type, service);
    ERR_clear_error();
    if (done)
        return true;
    OPENSSL_free(*host);
    OPENSSL_free(*service);
    *host = *service = NULL;
    return false;
}

/* Let SIGTERM and SIGINT end the program, as where nobody has set them up; before gets the mask. */
static void let_signals_end_it(sigset_t *before)
{
    sigset_t ends;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &ends, before);
}

/* EAI_AGAIN: the system has no resolver yet, as may be at its start. */
static int resolve(const char *option, const char *address, const char *host, const char *service,
                   bool passive, struct addrinfo **found)
{
    static const struct timespec pause = {.tv_sec = 1};
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = passive ? AI_PASSIVE : 0};
    bool is_said = false;
    int error;

    while ((error = getaddrinfo(host, service, &hints, found)) == EAI_AGAIN) {
        if (!is_said)
            (void)print_fault(option, address, "its name cannot be resolved yet: trying again");
        is_said = true;
        (void)nanosleep(&pause, NULL);
    }
    return error;
}

struct addrinfo *addr_resolve_to_listen(const char *option, const char *address, int type,
                                        bool passive)
{
    struct addrinfo *found = NULL;
    char *host, *service;
    sigset_t before;
    int error;

    if (!addr_parse(option, address, type, true, &host, &service))
        return NULL;
    let_signals_end_it(&before);
    error = resolve(option, address, host, service, passive, &found);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        (void)print_fault(option, address, gai_strerror(error));
    OPENSSL_free(host);
    OPENSSL_free(service);
    return found;
}

/* Listening */

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

static void show(int fd, char shown[ADDR_SIZE], struct sockaddr_storage *bound)
{
    socklen_t size = sizeof(*bound);
    char host[64] = "", service[8] = "";

    memset(bound, 0, sizeof(*bound)); /* no port, if it is not known */
    if (getsockname(fd, (struct sockaddr *)bound, &size) == 0 && bound->ss_family != AF_UNIX)
        (void)getnameinfo((struct sockaddr *)bound, size, host, sizeof(host), service,
                          sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(shown, ADDR_SIZE, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host,
                   service);
}

int addr_show(int fd, char shown[ADDR_SIZE])
{
    struct sockaddr_storage bound;

    show(fd, shown, &bound);
    if (bound.ss_family == AF_UNIX)
        (void)snprintf(shown, ADDR_SIZE, ADDRS_UNIX "%.107s",
                       ((const struct sockaddr_un *)&bound)->sun_path);
    return bound.ss_family;
}

static int open_socket(const struct addrinfo *address)
{
    return socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  address->ai_protocol);
}

/* A listening socket, or -1 with errno. */
static int listen_on(void *is_beside_ip4, size_t place, const struct addrinfo *address,
                     const struct sockaddr_storage *bound)
{
    const int yes = 1, fd = open_socket(address);
    int error;

    (void)place;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        (address->ai_family != AF_INET6 || !*(const bool *)is_beside_ip4 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0) &&
        bind(fd, (const struct sockaddr *)bound, address->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0) {
        tcp_no_delay(fd); /* and so has each connection that is accepted */
        return fd;
    }
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* A name may have an address twice. */
static bool is_first(const struct addrinfo *addresses, const struct addrinfo *address)
{
    for (const struct addrinfo *each = addresses; each != address; each = each->ai_next)
        if (each->ai_addrlen == address->ai_addrlen &&
            memcmp(each->ai_addr, address->ai_addr, each->ai_addrlen) == 0)
            return false;
    return true;
}

bool addr_has_ip4(const struct addrinfo *addresses)
{
    while (addresses != NULL && addresses->ai_family != AF_INET)
        addresses = addresses->ai_next;
    return addresses != NULL;
}

/* One address more; *port: 0, or the one that the first has taken. False with errno. */
static bool add(struct listenings *listenings, const struct addrinfo *address,
                const struct addr_opener *opener, in_port_t *port)
{
    struct listening *place = &listenings->at[listenings->count];
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};

    if (listenings->count == ADDRS_MAX) {
        errno = E2BIG;
        return false;
    }
    memcpy(&bound, address->ai_addr, address->ai_addrlen);
    if (*port_of(&bound) == 0)
        *port_of(&bound) = *port;
    place->fd = opener->open(opener->argument, listenings->count, address, &bound);
    if (place->fd < 0)
        return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    show(place->fd, place->shown, &bound);
    *port = *port_of(&bound);
    listenings->count++;
    return true;
}

static bool add_all(struct listenings *listenings, const struct addrinfo *addresses,
                    const struct addr_opener *opener)
{
    in_port_t port = 0;
    bool done = true;

    listenings->count = 0;
    for (int ip4 = 1; ip4 >= 0; ip4--)
        for (const struct addrinfo *each = addresses; done && each != NULL; each = each->ai_next)
            if ((each->ai_family == AF_INET) == (ip4 == 1) && is_first(addresses, each))
                done = add(listenings, each, opener, &port);
    return done && listenings->count > 0;
}

static bool takes_any_port(const struct addrinfo *addresses)
{
    struct sockaddr_storage first = {.ss_family = AF_UNSPEC};

    memcpy(&first, addresses->ai_addr, addresses->ai_addrlen);
    return *port_of(&first) == 0;
}

bool addr_open_at(struct listenings *listenings, const struct addrinfo *addresses,
                  const struct addr_opener *opener)
{
    int error;

    for (unsigned int i = 0; i < PORT_TRIES; i++) {
        if (add_all(listenings, addresses, opener))
            return true;
        error = errno;
        for (size_t place = 0; place < listenings->count; place++)
            opener->close(opener->argument, place, listenings->at[place].fd);
        listenings->count = 0;
        errno = error;
        if (error != EADDRINUSE || !takes_any_port(addresses))
            break;
    }
    return false;
}

static void close_one(void *is_beside_ip4, size_t place, int fd)
{
    (void)is_beside_ip4, (void)place;
    (void)close(fd);
}

bool addr_listen_at(struct listenings *listenings, const struct addrinfo *addresses)
{
    bool is_beside_ip4 = addr_has_ip4(addresses);
    const struct addr_opener opener = {listen_on, close_one, &is_beside_ip4};

    return addr_open_at(listenings, addresses, &opener);
}

static bool are_inet(const char *option, const struct listenings *listenings)
{
    char shown[ADDR_SIZE];

    for (size_t i = 0; i < listenings->count; i++)
        if (addr_show(listenings->at[i].fd, shown) == AF_UNIX)
            return print_fault(option, shown, "must be a socket of TCP");
    return true;
}

bool addr_listen(struct listenings *listenings, const char *option, const char *address,
                 bool passive)
{
    struct addrinfo *addresses;
    bool done;

    if (!inherited_take(option, listenings))
        return false;
    if (listenings->count > 0)
        return are_inet(option, listenings);
    addresses = addr_resolve_to_listen(option, address, SOCK_STREAM, passive);
    if (addresses == NULL)
        return false;
    done = addr_listen_at(listenings, addresses) || print_fault(option, address, strerror(errno));
    freeaddrinfo(addresses);
    return done;
}

void addr_close(struct listenings *listenings)
{
    for (size_t i = 0; i < listenings->count; i++)
        (void)close(listenings->at[i].fd);
    listenings->count = 0;
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
