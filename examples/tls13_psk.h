/*
 * A derived key as external PSK of TLS 1.3, on either side; copy this pair of files
 *
 * A client:
 *
 *     SSL_CTX *ctx = tls13_psk_ctx(NULL, TLS_client_method());
 *     SSL *ssl = SSL_new(ctx);
 *
 *     tls13_psk_offer(ssl, identity, key, 32);
 *     ... handshake ...
 *     tls13_psk_was_used(ssl);
 *
 * A server:
 *
 *     SSL_CTX *ctx = tls13_psk_ctx(NULL, TLS_server_method());
 *
 *     SSL_CTX_set_psk_find_session_callback(ctx, find);
 *     ... where find gives tls13_psk_session(ssl, key, 32) for an identity it knows ...
 *     ... handshake ...
 *     tls13_psk_was_used(ssl);
 *
 * What is taken care of:
 *
 * - (EC)DHE goes with the PSK always; no tickets, no resumption, no early data: nothing outlives
 *   the key.
 * - An external PSK belongs to one hash, here SHA-256: both sides keep to its cipher suites.
 * - Groups are X25519MLKEM768, where libssl has it (3.5 and newer), X25519 and P-256: what a peer
 *   may choose costs a server well under a millisecond (ffdhe8192 would cost it 90).
 * - A server that ignores the PSK answers with a certificate, which a client does not verify by
 *   default. Here it does, without any CA, so such a handshake fails; tls13_psk_was_used() makes
 *   sure.
 * - libssl cleanses what was read from its buffers.
 * - A callback for the client's PSK is called again after a HelloRetryRequest. So is the server's,
 *   and it is called before the binder is checked: who it finds has proven nothing yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS13_PSK_H
#define TLS13_PSK_H

#include <openssl/ssl.h>
#include <stddef.h>

#define TLS13_PSK_IDENTITY_MAX 256 /* octets: libssl's own limit */

/*
 * A context for such connections only, with the algorithms of this library context (NULL: the
 * default one). NULL: the reason is on OpenSSL's error stack.
 */
SSL_CTX *tls13_psk_ctx(OSSL_LIB_CTX *libctx, const SSL_METHOD *method);

/* Set only the groups, in another context for TLS 1.3. Returns 1, or 0: the reason is on the error
 * stack. */
int tls13_psk_set_groups(SSL_CTX *ctx);

/* The PSK as a session, for one connection. NULL: the reason is on the error stack. */
SSL_SESSION *tls13_psk_session(SSL *ssl, const unsigned char *key, size_t length);

/*
 * Offer this PSK only. identity: 1 to 256 octets. Returns 1, or 0: it is too long, or the reason is
 * on the error stack.
 */
int tls13_psk_offer(SSL *ssl, const char *identity, const unsigned char *key, size_t length);

/* After the handshake: 1 if the connection is secured with the PSK. */
int tls13_psk_was_used(SSL *ssl);

#endif
