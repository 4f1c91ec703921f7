/*
 * Where a connection is to go: HOST:PORT, or unix:PATH
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADDRS_H
#define ADDRS_H

#include <netdb.h>
#include <stdbool.h>
#include <sys/un.h>

struct addrs {
    const struct addrinfo *list; /* to be tried one after the other */
    /* the target's own */
    struct addrinfo *resolved, path_addr;
    struct sockaddr_un path;
};

/*
 * Understand and resolve, once. Without a HOST it is the loopback, for who listens every address.
 * False: the reason, behind the option's name, went to standard error.
 */
bool addrs_open(struct addrs *addrs, const char *option, const char *text);
bool addrs_open_to_listen(struct addrs *addrs, const char *option, const char *text);
void addrs_close(struct addrs *addrs);

/*
 * Begin to connect a socket that does not block to the first place that lets it, from *place on:
 * *place becomes that one. -1 with errno: none does.
 */
int addrs_connect(const struct addrinfo **addr);

#endif
