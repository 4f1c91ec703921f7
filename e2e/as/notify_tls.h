/*
 * TLS of the notifications' listener: HTTP/2 or HTTP/1.1, and a client with the notifier's name
 * alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NOTIFY_TLS_H
#define NOTIFY_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

/*
 * Whose certificate does not have the name, exactly and as a DNS name, does not get through the
 * handshake. False with the reason on the error stack.
 */
bool notify_tls_set_up(SSL_CTX *ctx, const char *name);

#endif
