/*
 * HOST:PORT, as s_server and s_client take it: understood, resolved, listened on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADDR_H
#define ADDR_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#define ADDR_SIZE         128 /* octets: room for any HOST:PORT in numbers */
#define ADDR_NETWORK_SIZE 9   /* octets: what tells networks from each other */
#define ADDRS_MAX         16  /* that one option can be listened on */

/*
 * The parts of HOST:PORT (SOCK_STREAM) or udp:HOST:PORT (SOCK_DGRAM), to be released with
 * OPENSSL_free(); host becomes NULL if it is left out. IPv6 in brackets. The name of a service
 * becomes its number: some services have only one of both types. Port 0 is for a listener alone.
 * False: the reason, behind the option's name, went to standard error.
 */
bool addr_parse(const char *option, const char *address, int type, bool is_to_listen, char **host,
                char **service);

/*
 * All addresses to listen on; type as above. passive: without a HOST it is every address; else the
 * loopback. While the system cannot resolve the name yet, standard error says so and it is tried
 * again; SIGTERM and SIGINT end the program then, even if they are blocked. NULL: the reason went
 * to standard error.
 */
struct addrinfo *addr_resolve_to_listen(const char *option, const char *address, int type,
                                        bool passive);

/* A socket that listens and does not block; shown: its address in numbers. */
struct listening {
    int fd;
    char shown[ADDR_SIZE];
};

struct listenings {
    size_t count;
    struct listening at[ADDRS_MAX];
};

/*
 * Listen on all of these addresses, those of IPv4 first; if the port is 0, on any one port. An
 * address of a family that this machine does not have is left out. False with errno: nothing is
 * listened on.
 */
bool addr_listen_at(struct listenings *listenings, const struct addrinfo *addresses);

/* Is one of IPv4 among them? Beside it, a socket of IPv6 is for IPv6 alone. */
bool addr_has_ip4(const struct addrinfo *addresses);

/* How a socket is got at one of several addresses. */
struct addr_opener {
    /* At bound, which is address with the port to take; place: its number. -1 with errno. */
    int (*open)(void *argument, size_t place, const struct addrinfo *address,
                const struct sockaddr_storage *bound);
    void (*close)(void *argument, size_t place, int fd);
    void *argument;
};

/* The same, with sockets that are got otherwise. */
bool addr_open_at(struct listenings *listenings, const struct addrinfo *addresses,
                  const struct addr_opener *opener);

/* The address of a socket, HOST:PORT in numbers or unix:PATH; its family: AF_... */
int addr_show(int fd, char shown[ADDR_SIZE]);

/* Take what was inherited for the option (inherited.h), or resolve, then listen. False: the reason
 * went to standard error. */
bool addr_listen(struct listenings *listenings, const char *option, const char *address,
                 bool passive);

void addr_close(struct listenings *listenings);

/*
 * The network of a peer, in key: an IPv4 address, in whatever form it comes, or the /64 of an IPv6
 * address. Its octets, those that are written.
 */
size_t addr_network(const struct sockaddr *peer, unsigned char key[ADDR_NETWORK_SIZE]);

#endif
