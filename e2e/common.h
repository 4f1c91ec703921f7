/*
 * What both programs do alike
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_H
#define COMMON_H

#include <openssl/ssl.h>
#include <stdbool.h>

#define IDENTITY_PREFIX    "3GPP-bootstrapping" /* TS 24.109; "3GPP-AKMA" before an A-KID */
#define IDENTITY_SEPARATOR ";"
#define UA_PROTOCOL_ID     "0100000007" /* TLS 1.3 with a shared key: TS 33.220 H.3 */
#define USAGE              "tls-psk"

/* A context for PSK of TLS 1.3; keylog may be NULL. NULL: the reason went to standard error. */
SSL_CTX *common_ctx(const SSL_METHOD *method, const char *keylog);

/* The newest of OpenSSL's errors in words; the stack is emptied. */
const char *common_ssl_error(void);

#endif
