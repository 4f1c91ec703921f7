/*
 * A client of DTLS that waits no longer than it is told to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DGRAM_CLIENT_H
#define DGRAM_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A session with a PSK of 32 octets at a port of the loopback, within so many milliseconds; NULL:
 * there is none.
 */
SSL *dgram_client_connect(SSL_CTX *ctx, unsigned short port, const char *identity,
                          const unsigned char *key, int ms);

/* Say a line until there is an answer, which ends with NUL. False: there was none in time. */
bool dgram_client_ask(SSL *ssl, const char *line, char *answer, size_t size, int ms);

/* NULL is fine. */
void dgram_client_close(SSL *ssl);

#endif
