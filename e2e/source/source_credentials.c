/*
 * The files that identify e2e-as to the operator, and the CA that it trusts for the operator
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source_credentials.h"

#include "net/tls.h"
#include "printable.h"
#include "secret_file.h"

#include <stdio.h>
#include <string.h>

#define SECRET_MAX 1024 /* octets of a client's secret */

char *source_credentials_secret(const char *path, size_t *length, char fault[TLS_FILES_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE] = "the file is empty";
    char *secret = secret_file_read(path, SECRET_MAX, false, length, what);

    if (secret != NULL) {
        secret[strcspn(secret, "\r\n")] = '\0';
        if (secret[0] != '\0')
            return secret;
        secret_file_free(secret, *length);
    }
    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "--client-secret-file %s: %s", PRINTABLE_PATH(path),
                   what);
    return NULL;
}

SSL_CTX *source_credentials_ctx(const struct tls_files *files, const struct tls_file_names *names,
                                const SSL_METHOD *method, char fault[TLS_FILES_FAULT_SIZE])
{
    SSL_CTX *ctx = tls_ctx_new(method);

    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "out of memory");
    if (ctx != NULL && tls_files_use(files, names, ctx, fault))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
