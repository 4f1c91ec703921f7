/*
 * The client's side of TLS with certificates: the server has to prove the name that was asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <openssl/ssl.h>

/* ca: file of the CAs to trust; NULL: the system's. NULL: the reason is on the error stack. */
SSL_CTX *tls_client_ctx(const char *ca);

/*
 * For a connection to host, a name or an address in numbers, which must be among its certificate's
 * subjectAltName: the subject does not count. flags: more rules for it, X509_CHECK_FLAG_... or 0.
 */
SSL *tls_client_new(SSL_CTX *ctx, const char *host, unsigned int flags);

#endif
