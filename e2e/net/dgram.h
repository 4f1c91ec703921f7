/*
 * UDP sockets that many peers share, and one peer's datagrams as a BIO for libssl
 *
 * A socket connected to each peer would lose what comes between its bind() and its connect(). So
 * there is one per loop and address (SO_REUSEPORT): the kernel gives each peer's datagrams to one
 * of them, always the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_H
#define DGRAM_H

#include "net/addr.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define DGRAM_PREFIX   "udp:"
#define DGRAM_MAX      65535 /* octets of one */
#define DGRAM_LINK_MTU 1280  /* octets of a packet of a handshake: what every IPv6 link carries */

/* The HOST:PORT of an address that begins with "udp:"; NULL: it does not. */
const char *dgram_address(const char *address);

/*
 * As addr_listen(), but for datagrams and without inheritance: count sockets for each address, one
 * after the other. False: the reason went to standard error.
 */
bool dgram_listen(struct listenings *addresses, int *sockets[], size_t count, const char *option,
                  const char *address);

/* From where to where a datagram came: the way back leaves from the address that it came to. */
struct dgram_path {
    struct sockaddr_storage peer;
    struct sockaddr_storage local; /* ss_family AF_UNSPEC: the system chooses; without a port */
};

/* The length of the next datagram; -1: there is none. */
ssize_t dgram_receive(int fd, void *octets, size_t size, struct dgram_path *path);

/* Where datagrams got lost on their way out. */
enum dgram_loss {
    DGRAM_SENT,      /* nowhere */
    DGRAM_TOO_LARGE, /* for the path */
    DGRAM_LOST       /* the socket took no more */
};

enum dgram_loss dgram_send(int fd, const struct dgram_path *path, const void *octets,
                           size_t length);

struct io_watch;

/*
 * What one peer sends and gets. The socket stays its owner's. lost, NULL or not, hears of each
 * datagram that does not go out. NULL: out of memory.
 */
BIO *dgram_bio_new(int fd, void (*lost)(enum dgram_loss loss));

/* That of an SSL; NULL: it has another kind. */
BIO *dgram_bio_of(const SSL *ssl);

void dgram_bio_set_path(BIO *bio, const struct dgram_path *path);
const struct dgram_path *dgram_bio_path(BIO *bio);

/* Its own address, with the port. False: it is not known. */
bool dgram_bio_local(BIO *bio, struct sockaddr_storage *local);

/* A datagram came: it waits, as one of at most max, and the reader is woken. False: dropped. */
bool dgram_bio_put(BIO *bio, const void *octets, size_t length, size_t max);

/* Forget what waits. */
void dgram_bio_clear(BIO *bio);

bool dgram_bio_has_waiting(BIO *bio);

/* From now on nothing goes in or out: the connection is at its end. */
void dgram_bio_mute(BIO *bio);

/* Who waits for datagrams (io_watch.h's); NULL: nobody. */
void dgram_bio_set_reader(BIO *bio, struct io_watch *reader);
struct io_watch *dgram_bio_reader(BIO *bio);

#endif
