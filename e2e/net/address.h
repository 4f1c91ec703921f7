/*
 * HOST:PORT, as s_server and s_client take it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netdb.h>
#include <stddef.h>

#define ADDRESS_SIZE         128 /* octets: room for any HOST:PORT in numbers */
#define ADDRESS_NETWORK_SIZE 9   /* octets: what tells networks from each other */

/*
 * Where the address is that an option has named, with flags of getaddrinfo(3); NULL: the reason,
 * with the option, went to standard error.
 */
struct addrinfo *address_resolve(const char *option, const char *address, int flags);

/*
 * A socket that does not block, or -1: the reason went to standard error. IPv6 in brackets.
 * Connecting has a time limit. listen: port 0 takes any; shown gets the address that was taken, in
 * numbers.
 */
int address_connect(const char *option, const char *address);
int address_listen(const char *option, const char *address, char shown[ADDRESS_SIZE]);

/* The same at the first of these places that can be had; -1 with errno: none of them. */
int address_listen_at(const struct addrinfo *places, char shown[ADDRESS_SIZE]);

/*
 * The network of a peer, in key: an IPv4 address, in whatever form it comes, or the /64 of an IPv6
 * address. Its octets, those that are written.
 */
size_t address_network(const struct sockaddr *peer, unsigned char key[ADDRESS_NETWORK_SIZE]);

#endif
