/*
 * One peer's datagrams as a BIO for libssl, which keeps their boundaries
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_BIO_H
#define DGRAM_BIO_H

#include "net/dgram.h"

#include <openssl/ssl.h>

struct io_watch;

/*
 * The datagrams from and to one peer. The socket stays its owner's. lost, if not NULL, is called
 * for each datagram that cannot be sent. NULL: out of memory.
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

/* Drop the oldest that wait, so that one more of at most max has room. False: it had. */
bool dgram_bio_make_room(BIO *bio, size_t max);

/* Forget what waits. */
void dgram_bio_clear(BIO *bio);

bool dgram_bio_has_waiting(BIO *bio);

/* The connection has ended: nothing is received or sent any more. */
void dgram_bio_mute(BIO *bio);

/* Who waits for datagrams (io_watch.h's); NULL: nobody. */
void dgram_bio_set_reader(BIO *bio, struct io_watch *reader);
struct io_watch *dgram_bio_reader(BIO *bio);

#endif
