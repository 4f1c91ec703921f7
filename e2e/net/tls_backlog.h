/*
 * What a socket did not take of libssl's records
 *
 * A peer may ask for new keys at any time (KeyUpdate, RFC 8446 4.6.3). libssl answers while it
 * reads, and breaks the connection if a record of SSL_write() is still in progress. With a backlog
 * none is: libssl's records are taken whole, and what is left waits here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS_BACKLOG_H
#define TLS_BACKLOG_H

#include <openssl/ssl.h>
#include <stdbool.h>

#define TLS_BACKLOG_MAX 65536 /* octets: a record, and what answers thousands of KeyUpdates */

/* To be called once, after the handshake and before the first SSL_write(). False: out of memory. */
bool tls_backlog_add(SSL *ssl);

/*
 * Write what waits, if there is a backlog. 1: nothing waits any more, and SSL_write() may be
 * called; 0: the socket takes no more for now; -1: the connection is broken.
 */
int tls_backlog_flush(SSL *ssl);

/* Octets that wait; 0 without a backlog. */
size_t tls_backlog_length(const SSL *ssl);

#endif
