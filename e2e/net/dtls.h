/*
 * DTLS 1.2 and TLS 1.2 with a pre-shared key, as both programs set them up
 *
 * Cipher suites have forward secrecy unless the user names others; the extended master secret is
 * required, and encrypt-then-MAC with CBC. There is no resumption and no renegotiation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_DTLS_H
#define NET_DTLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_CIPHERS     "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES128-CBC-SHA256"
#define DTLS_CIPHERS_MAX 8
#define DTLS_RECORD_MAX \
    4096 /* octets of a record that is sent: libssl keeps that much room for each session */
#define DTLS_KEY_LENGTH 32 /* octets of a PSK */

/* The numbers of cipher suites, as in a hello. */
struct dtls_suites {
    size_t count;
    uint16_t number[DTLS_CIPHERS_MAX];
};

/*
 * The suites of a list in OpenSSL's names, all of them with a pre-shared key alone. False: the
 * reason, behind --dtls-ciphers, went to standard error.
 */
bool dtls_read_ciphers(struct dtls_suites *suites, const char *ciphers);

/* A context of these suites; keylog as in tls.h. NULL: the reason went to standard error. */
SSL_CTX *dtls_psk_ctx(const SSL_METHOD *method, const char *ciphers, const char *keylog);

/* Have a context of TLS 1.3 take TLS 1.2 as well, with these suites. False: an error is there. */
bool dtls_allow_tls12(SSL_CTX *ctx, const char *ciphers);

/*
 * The number of the negotiated suite, also during the handshake; 0: none. In TLS 1.3 the key does
 * not depend on it.
 */
uint16_t dtls_suite_of(const SSL *ssl);

/*
 * A server's look at a ClientHello: what it lacks, NULL: nothing. Without encrypt-then-MAC suites
 * of CBC are left out of what the server may choose from.
 */
const char *dtls_judge_client_hello(SSL *ssl);

/*
 * libssl keeps 20 KiB of buffers for each session of DTLS, also with SSL_MODE_RELEASE_BUFFERS.
 * While a session waits for datagrams it can do without. Before the handshake is complete, and
 * where something is under way, nothing is given back.
 */
void dtls_release_buffers(SSL *ssl);

/* To be called before SSL_write() and SSL_shutdown(), also with TLS. False: out of memory. */
bool dtls_acquire_buffers(SSL *ssl);

/* Have a client's SSL speak over a connected socket of datagrams. False: out of memory. */
bool dtls_set_connected(SSL *ssl, int fd);

/* A key of 32 octets, and the suite that it is for; 0: every one. */
struct dtls_key {
    uint16_t suite;
    const unsigned char *octets;
};

/*
 * A client's PSK, up to DTLS_CIPHERS_MAX keys of one identity, of which the suite chooses; they
 * live as long as the SSL. False: too long, or out of memory.
 */
bool dtls_psk_offer(SSL *ssl, const char *identity, const struct dtls_key *keys, size_t count);

/* The handshake is complete: was it one with a key, and all that is required? */
bool dtls_psk_was_used(const SSL *ssl);

#endif
