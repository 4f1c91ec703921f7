/*
 * UDP sockets that many peers share
 *
 * A socket connected to each peer would lose datagrams between its bind() and its connect(). So
 * there is one per loop and address (SO_REUSEPORT): the kernel gives each peer's datagrams to one
 * of them, always the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_H
#define DGRAM_H

#include "net/addr.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define DGRAM_PREFIX   "udp:"
#define DGRAM_MAX      65535 /* octets of one */
#define DGRAM_LINK_MTU 1280  /* octets of a packet of a handshake: what every IPv6 link carries */

/* The HOST:PORT of an address that begins with "udp:"; NULL: it does not. */
const char *dgram_address(const char *address);

/* Is it udp:HOST:PORT, as it begins? False: standard error says that it has to be. */
bool dgram_check(const char *option, const char *address);

/*
 * As addr_listen(), but for datagrams: count sockets for each address, one after the other. Of
 * those that are inherited there may be fewer; the others are -1 then: one more would at once get
 * some of the datagrams of sessions that another program still has. False: the reason went to
 * standard error.
 */
bool dgram_listen(struct listenings *addresses, int *sockets[], size_t count, const char *option,
                  const char *address);

/* Source and destination of a datagram: an answer leaves from the address that it came to. */
struct dgram_path {
    struct sockaddr_storage peer;
    struct sockaddr_storage local; /* ss_family AF_UNSPEC: the system chooses; without a port */
};

/*
 * A socket that gets the datagrams of one peer alone, on their way between these addresses; so far
 * they have come to one of the sockets of an address. Until it is connected, some of others may
 * come to it. -1: there is none.
 */
int dgram_open_for(const int *sockets, size_t count, size_t which, const struct dgram_path *path);

/* The length of the next datagram; -1: there is none. */
ssize_t dgram_receive(int fd, void *octets, size_t size, struct dgram_path *path);

/* What became of a datagram. */
enum dgram_loss {
    DGRAM_SENT,      /* not lost here */
    DGRAM_TOO_LARGE, /* for the path */
    DGRAM_LOST       /* the socket took no more */
};

enum dgram_loss dgram_send(int fd, const struct dgram_path *path, const void *octets,
                           size_t length);

#endif
