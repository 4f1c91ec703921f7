/*
 * UDP sockets that many peers share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dgram.h"

#include "net/addrs.h"
#include "net/inherited.h"
#include "options.h"
#include "printable.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER (1 << 20) /* octets: datagrams that arrive while a loop is busy */

const char *dgram_address(const char *address)
{
    const size_t length = strlen(DGRAM_PREFIX);

    return address != NULL && strncmp(address, DGRAM_PREFIX, length) == 0 ? address + length : NULL;
}

static bool print_fault(const char *option, const char *address, const char *what)
{
    fprintf(stderr, "%s--%s %s: %s\n", options_where(option), option, PRINTABLE(address), what);
    return false;
}

bool dgram_check(const char *option, const char *address)
{
    const char *rest = dgram_address(address);

    return (strchr(rest, ':') != NULL && strncmp(rest, ADDRS_UNIX, strlen(ADDRS_UNIX)) != 0) ||
           print_fault(option, address, "must be " DGRAM_PREFIX "HOST:PORT");
}

/* Sockets */

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

/*
 * An answer must leave from the address that the datagram came to, and routers must not fragment:
 * the application has to send smaller datagrams if one is too large for the path.
 */
static bool set_up(int fd, int family)
{
    const int yes = 1, size = RECEIVE_BUFFER, whole = IP_PMTUDISC_DO;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (family == AF_INET6)
        return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes)) == 0 &&
               setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &whole, sizeof(whole)) == 0;
    return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof(yes)) == 0 &&
           setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole)) == 0;
}

/* The addresses of IPv4 have sockets of their own. */
static bool leave_ip4(int fd, int family)
{
    const int yes = 1;

    return family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0;
}

static bool share(int fd)
{
    const int yes = 1;

    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0;
}

/*
 * A bound socket, or -1 with errno. The first one of an address is shared only after it is bound,
 * so that an address which another program has is an error.
 */
static int open_bound(const struct sockaddr_storage *address, socklen_t length, bool is_first)
{
    const int fd =
        socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    int error;

    if (fd < 0)
        return -1;
    if (set_up(fd, address->ss_family) && leave_ip4(fd, address->ss_family) &&
        (is_first || share(fd)) && bind(fd, (const struct sockaddr *)address, length) == 0 &&
        (!is_first || share(fd)))
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static void close_some(int *sockets, size_t count)
{
    const int error = errno;

    for (size_t i = 0; i < count; i++)
        (void)close(sockets[i]);
    errno = error;
}

/* count sockets of one address, whose port is then set. False with errno: none is open. */
static bool open_all(int *sockets, size_t count, struct sockaddr_storage *address, socklen_t length)
{
    for (size_t i = 0; i < count; i++) {
        sockets[i] = open_bound(address, length, i == 0);
        if (sockets[i] < 0 || getsockname(sockets[i], (struct sockaddr *)address, &length) != 0) {
            close_some(sockets, sockets[i] < 0 ? i : i + 1);
            return false;
        }
    }
    return true;
}

/* The sockets of each address: count of them, one per loop. */
struct sockets {
    int **at;
    size_t count;
};

static int open_at(void *argument, size_t place, const struct addrinfo *address,
                   const struct sockaddr_storage *bound)
{
    const struct sockets *sockets = argument;
    struct sockaddr_storage taken = *bound;

    return open_all(sockets->at[place], sockets->count, &taken, address->ai_addrlen)
               ? sockets->at[place][0]
               : -1;
}

static void close_at(void *argument, size_t place, int fd)
{
    const struct sockets *sockets = argument;

    (void)fd;
    close_some(sockets->at[place], sockets->count);
}

/* To a new address, or to the one that has it; -1: nobody's yet. */
static bool add_inherited(struct listenings *addresses, int *sockets[], size_t count, int fd)
{
    char shown[ADDR_SIZE];
    const int family = addr_show(fd, shown);
    size_t i = 0, j = 0;

    while (i < addresses->count && strcmp(addresses->at[i].shown, shown) != 0)
        i++;
    errno = E2BIG;
    if (i == ADDRS_MAX)
        return false;
    if (i == addresses->count) {
        addresses->at[addresses->count++].fd = fd;
        memcpy(addresses->at[i].shown, shown, sizeof(shown));
        for (size_t none = 0; none < count; none++)
            sockets[i][none] = -1;
    }
    while (j < count && sockets[i][j] >= 0)
        j++;
    errno = E2BIG;
    if (j == count)
        return false;
    sockets[i][j] = fd;
    return set_up(fd, family) && share(fd);
}

static bool take_inherited(struct listenings *addresses, int *sockets[], size_t count,
                           const char *option, const char *address)
{
    int fd;

    addresses->count = 0;
    while (inherited_take_datagrams(option, &fd)) {
        if (fd < 0)
            return true;
        if (!add_inherited(addresses, sockets, count, fd))
            return print_fault(option, address,
                               errno == E2BIG ? "LISTEN_FDS has more sockets of one address than "
                                                "there are processors, or more addresses than 16"
                                              : strerror(errno));
    }
    return false;
}

bool dgram_listen(struct listenings *addresses, int *sockets[], size_t count, const char *option,
                  const char *address)
{
    struct sockets its = {sockets, count};
    const struct addr_opener opener = {open_at, close_at, &its};
    struct addrinfo *found = NULL;
    bool done;

    if (inherited_has(option))
        return take_inherited(addresses, sockets, count, option, address);
    if (dgram_check(option, address))
        found = addr_resolve_to_listen(option, address, SOCK_DGRAM, true);
    if (found == NULL)
        return false;
    done = addr_open_at(addresses, found, &opener);
    if (!done)
        (void)print_fault(option, address, strerror(errno));
    freeaddrinfo(found);
    return done;
}

/* One peer's socket */

static bool allow_others(int fd, bool may_share)
{
    const int value = may_share ? 1 : 0;

    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)) == 0;
}

/* The address that the peer sends to, with the port of the shared socket. */
static socklen_t find_own(int fd, const struct dgram_path *path, struct sockaddr_storage *own)
{
    struct sockaddr_storage shared;
    socklen_t length = sizeof(shared);

    memset(&shared, 0, sizeof(shared));
    if (getsockname(fd, (struct sockaddr *)&shared, &length) != 0)
        return 0;
    *own = path->local.ss_family == shared.ss_family ? path->local : shared;
    *port_of(own) = *port_of(&shared);
    return length;
}

/* A connected socket, or -1. */
static int open_connected(int fd, const struct dgram_path *path)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    const socklen_t length = find_own(fd, path, &own);
    const int one =
        length == 0 ? -1
                    : socket(own.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

    if (one < 0)
        return -1;
    if (set_up(one, own.ss_family) && allow_others(one, true) &&
        bind(one, (const struct sockaddr *)&own, length) == 0 &&
        connect(one, (const struct sockaddr *)&path->peer, length) == 0)
        return one;
    (void)close(one);
    return -1;
}

/*
 * Not with SO_REUSEPORT: the socket would be one of those among which the kernel chooses by a hash,
 * so that peers of the others would change theirs. And SO_REUSEADDR for no longer than it takes:
 * any user could bind to the port.
 */
int dgram_open_for(const int *sockets, size_t count, size_t which, const struct dgram_path *path)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int one;

    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        (void)allow_others(sockets[i], true);
    one = open_connected(sockets[which], path);
    for (size_t i = 0; i < count; i++)
        (void)allow_others(sockets[i], false);
    (void)pthread_mutex_unlock(&lock);
    return one;
}

/* Datagrams */

/* The only thing beside a datagram that the socket was asked for. */
static void take_local(struct sockaddr_storage *local, struct msghdr *message)
{
    struct cmsghdr *beside = CMSG_FIRSTHDR(message);

    if (beside == NULL)
        return;
    if (beside->cmsg_level == IPPROTO_IP && beside->cmsg_type == IP_PKTINFO) {
        struct sockaddr_in *ip4 = (struct sockaddr_in *)local;
        struct in_pktinfo info;

        memcpy(&info, CMSG_DATA(beside), sizeof(info));
        ip4->sin_family = AF_INET;
        ip4->sin_addr = info.ipi_spec_dst;
    } else if (beside->cmsg_level == IPPROTO_IPV6 && beside->cmsg_type == IPV6_PKTINFO) {
        struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)local;
        struct in6_pktinfo info;

        memcpy(&info, CMSG_DATA(beside), sizeof(info));
        ip6->sin6_family = AF_INET6;
        ip6->sin6_addr = info.ipi6_addr;
        ip6->sin6_scope_id = info.ipi6_ifindex;
    }
}

/* Room for a datagram's control message, aligned as required. */
union beside {
    struct cmsghdr header;
    unsigned char octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

ssize_t dgram_receive(int fd, void *octets, size_t size, struct dgram_path *path)
{
    union beside beside;
    struct iovec part = {octets, size};
    struct msghdr message = {.msg_name = &path->peer,
                             .msg_namelen = sizeof(path->peer),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &beside,
                             .msg_controllen = sizeof(beside)};
    ssize_t length;

    memset(path, 0, sizeof(*path));
    length = recvmsg(fd, &message, 0);
    if (length >= 0)
        take_local(&path->local, &message);
    return length;
}

/* Send from the address that the peer has sent to. */
static void put_local(const struct sockaddr_storage *local, struct msghdr *message)
{
    struct cmsghdr *each = CMSG_FIRSTHDR(message);

    if (local->ss_family == AF_INET) {
        const struct in_pktinfo info = {.ipi_spec_dst =
                                            ((const struct sockaddr_in *)local)->sin_addr};

        each->cmsg_level = IPPROTO_IP;
        each->cmsg_type = IP_PKTINFO;
        each->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(each), &info, sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)local;
        const struct in6_pktinfo info = {ip6->sin6_addr, ip6->sin6_scope_id};

        each->cmsg_level = IPPROTO_IPV6;
        each->cmsg_type = IPV6_PKTINFO;
        each->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(each), &info, sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

enum dgram_loss dgram_send(int fd, const struct dgram_path *path, const void *octets, size_t length)
{
    union beside beside = {.octets = {0}};
    struct iovec part = {(void *)(uintptr_t)octets, length};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)&path->peer,
                             .msg_namelen = path->peer.ss_family == AF_INET6
                                                ? sizeof(struct sockaddr_in6)
                                                : sizeof(struct sockaddr_in),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &beside,
                             .msg_controllen = sizeof(beside)};

    if (path->local.ss_family == AF_UNSPEC)
        message.msg_controllen = 0;
    else
        put_local(&path->local, &message);
    if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return DGRAM_SENT;
    return errno == EMSGSIZE ? DGRAM_TOO_LARGE : DGRAM_LOST;
}
