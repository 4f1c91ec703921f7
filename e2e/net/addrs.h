/*
 * Where a connection is to go: HOST:PORT, or unix:PATH; for some udp:HOST:PORT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADDRS_H
#define ADDRS_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/un.h>

#define ADDRS_UNIX "unix:"

/* connector.h makes connections to it. */
struct addrs {
    char *host, *service;         /* to be resolved for each connection; host NULL: the loopback */
    const struct addrinfo *fixed; /* a path or an address in numbers: nothing to resolve */
    bool is_udp;                  /* sockets are of datagrams */
    /* its own */
    struct addrinfo *numbers, path_address;
    struct sockaddr_un path;
};

/*
 * Understand; nothing is asked of the network. Without a HOST it is the loopback. False: the
 * reason, behind the option's name, went to standard error.
 */
bool addrs_open(struct addrs *addrs, const char *option, const char *text);
void addrs_close(struct addrs *addrs);

/* The same; udp:HOST:PORT is allowed, too. */
bool addrs_open_any(struct addrs *addrs, const char *option, const char *text);

/* The address of a path, in path. False: it is empty or too long, as standard error says. */
bool addrs_path(const char *option, const char *path, struct sockaddr_un *address);

#endif
