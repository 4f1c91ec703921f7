/*
 * The files that identify e2e-as to the operator, and the CA that it trusts for the operator
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_CREDENTIALS_H
#define SOURCE_CREDENTIALS_H

#include "net/tls_files.h"

#include <openssl/ssl.h>
#include <stddef.h>

/*
 * The client's secret: the file's text up to the end of its first line. *length is what
 * secret_file_free() wants. NULL: it cannot be used, fault says why.
 */
char *source_credentials_secret(const char *path, size_t *length, char fault[TLS_FILES_FAULT_SIZE]);

/* A context with our certificate and key, and whom we trust. NULL: fault. */
SSL_CTX *source_credentials_ctx(const struct tls_files *files, const struct tls_file_names *names,
                                const SSL_METHOD *method, char fault[TLS_FILES_FAULT_SIZE]);

#endif
