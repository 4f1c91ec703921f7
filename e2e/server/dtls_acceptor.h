/*
 * The peers of a UDP socket: who is let in, and whose datagrams are whose
 *
 * Before a peer has returned its cookie, and so has proved its address, the server keeps no state
 * of it, looks nothing up, logs nothing, and sends no more octets than it got.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DTLS_ACCEPTOR_H
#define DTLS_ACCEPTOR_H

#include "server/acceptor.h"

#include <event2/util.h>

struct dtls_acceptor;

/* On a loop's socket of an endpoint. NULL: out of memory. */
struct dtls_acceptor *dtls_acceptor_new(struct worker *worker, struct endpoints *endpoints,
                                        const struct endpoint *endpoint);

/* libevent's callback: the socket can be read; argument is the acceptor. */
void dtls_acceptor_on_readable(evutil_socket_t fd, short what, void *argument);

/*
 * Another program reads the socket from now on (SIGUSR2): each connection that is under way gets a
 * socket of its own.
 */
void dtls_acceptor_hand_over(struct dtls_acceptor *acceptor);

#define DTLS_COOKIE_SECRET_LENGTH 32 /* octets */

/* What cookies are made with. False: there is none. */
bool dtls_acceptor_cookie_secret(unsigned char secret[DTLS_COOKIE_SECRET_LENGTH]);

/* That of the program before, whose cookies are then good here; before anything is accepted. */
void dtls_acceptor_take_cookie_secret(const unsigned char secret[DTLS_COOKIE_SECRET_LENGTH]);

/* Have a context ask for cookies. */
void dtls_acceptor_set_up(SSL_CTX *ctx);

/* NULL is fine. Its connections have ended. */
void dtls_acceptor_free(struct dtls_acceptor *acceptor);

#endif
