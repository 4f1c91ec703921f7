/*
 * TLS as both programs set it up, and what OpenSSL says of an error
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "current.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/*
 * A context with everything that libssl has, which cleanses what was read from its buffers. NULL:
 * out of memory. If the fetch of a cipher, hash or
 * signature runs out of memory, SSL_CTX_new() itself treats it as missing, and continues.
 */
SSL_CTX *tls_ctx_new(const SSL_METHOD *method);

/* A context for PSK of TLS 1.3; keylog may be NULL. NULL: the reason went to standard error. */
SSL_CTX *tls_psk_ctx(const SSL_METHOD *method, const char *keylog);

/* Have its secrets written to keylog; NULL: nowhere. False: the reason went to standard error. */
bool tls_log_keys(SSL_CTX *ctx, const char *keylog);

/* The current context (current.h); release it with SSL_CTX_free(). NULL: out of memory. */
SSL_CTX *tls_ctx_current(struct current *current);

/* A context to be put into use. NULL: out of memory, and ctx was released. */
struct current_version *tls_ctx_prepare(SSL_CTX *ctx);

/* Say goodbye without waiting for the other side, close the socket, free. NULL is fine. */
void tls_close(SSL *ssl);

/* The newest of OpenSSL's errors in words, or otherwise if it has none; the stack is emptied. */
const char *tls_error(const char *otherwise);

/* The oldest one, which says what is wrong with a file that was read; the stack is emptied. */
const char *tls_file_error(void);

/* For OpenSSL, that would ask at the terminal for a private key's passphrase: there is none. */
int tls_no_passphrase(char *passphrase, int size, int writing, void *argument);

/* Was the connection, of any version, made with a pre-shared key as this project wants it? */
bool tls_psk_was_used(SSL *ssl);

/* Was this protocol agreed on by ALPN? */
bool tls_alpn_is(const SSL *ssl, const char *protocol);

#endif
