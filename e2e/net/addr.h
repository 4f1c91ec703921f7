/*
 * HOST:PORT, as s_server and s_client take it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADDR_H
#define ADDR_H

#include <netdb.h>
#include <stddef.h>

#define ADDR_SIZE         128 /* octets: room for any HOST:PORT in numbers */
#define ADDR_NETWORK_SIZE 9   /* octets: what tells networks from each other */

/*
 * Where the address is that an option has named, with flags of getaddrinfo(3); NULL: the reason,
 * with the option, went to standard error.
 */
struct addrinfo *addr_resolve(const char *option, const char *address, int flags);

/*
 * A socket that does not block, or -1: the reason went to standard error. IPv6 in brackets.
 * Connecting has a time limit. listen: port 0 takes any; shown gets the address that was taken, in
 * numbers.
 */
int addr_connect(const char *option, const char *address);
int addr_listen(const char *option, const char *address, char shown[ADDR_SIZE]);

/* The same at the first of these places that can be had; -1 with errno: none of them. */
int addr_listen_at(const struct addrinfo *list, char shown[ADDR_SIZE]);

/*
 * The network of a peer, in key: an IPv4 address, in whatever form it comes, or the /64 of an IPv6
 * address. Its octets, those that are written.
 */
size_t addr_network(const struct sockaddr *peer, unsigned char key[ADDR_NETWORK_SIZE]);

#endif
