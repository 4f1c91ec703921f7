/*
 * The files that say who e2e-as is to the operator, and whom it trusts to be the operator
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source_credentials.h"

#include "net/tls.h"
#include "printable.h"
#include "secret_file.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_MAX 1024 /* octets of a client's secret */

char *source_credentials_secret(const char *path, size_t *length)
{
    char fault[SECRET_FILE_FAULT_SIZE] = "the file is empty";
    char *secret = secret_file_read(path, SECRET_MAX, false, length, fault);

    if (secret != NULL) {
        secret[strcspn(secret, "\r\n")] = '\0';
        if (secret[0] != '\0')
            return secret;
        secret_file_free(secret, *length);
    }
    fprintf(stderr, "--client-secret-file %s: %s\n", PRINTABLE(path), fault);
    return NULL;
}

static bool print_fault(const char *name, const char *path)
{
    fprintf(stderr, "--%s %s: %s\n", name, PRINTABLE(path), tls_file_error());
    return false;
}

static bool key_is_private(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0 || secret_file_is_private(&status))
        return true; /* what is not there is said below */
    fprintf(stderr, "--source-key %s: users other than its owner can access it: chmod 600 it\n",
            PRINTABLE(path));
    return false;
}

SSL_CTX *source_credentials_ctx(const struct http_identity *identity, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    bool done = ctx != NULL && key_is_private(identity->key);

    ERR_clear_error();
    if (done) /* an encrypted key cannot be used */
        SSL_CTX_set_default_passwd_cb(ctx, tls_no_passphrase);
    if (done && SSL_CTX_use_certificate_chain_file(ctx, identity->certificate) != 1)
        done = print_fault("source-cert", identity->certificate);
    if (done && SSL_CTX_use_PrivateKey_file(ctx, identity->key, SSL_FILETYPE_PEM) != 1)
        done = print_fault("source-key", identity->key);
    if (done && SSL_CTX_load_verify_file(ctx, identity->ca) != 1)
        done = print_fault("source-ca", identity->ca);
    if (done)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

bool source_credentials_try(const struct http_identity *identity)
{
    SSL_CTX *ctx = source_credentials_ctx(identity, TLS_client_method());

    SSL_CTX_free(ctx);
    return ctx != NULL;
}
