/*
 * The files that say who e2e-as is to the operator, and whom it trusts to be the operator
 *
 * What is wrong with one of them goes to standard error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_CREDENTIALS_H
#define SOURCE_CREDENTIALS_H

#include "source/http.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The client's secret: the file's text up to the end of its first line. *length is what
 * secret_file_free() wants. NULL: it cannot be used.
 */
char *source_credentials_secret(const char *path, size_t *length);

/* Our certificate and key, and whom we trust. NULL: one of them cannot be used. */
SSL_CTX *source_credentials_ctx(const struct http_identity *identity, const SSL_METHOD *method);

/* Can all three be used? What could not be used later is said now. */
bool source_credentials_try(const struct http_identity *identity);

#endif
