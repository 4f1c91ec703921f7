/*
 * TLS as both programs set it up, and what OpenSSL says of an error
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls.h"

#include "net/dtls.h"
#include "options.h"
#include "printable.h"
#include "secret_file.h"
#include "tls13_psk.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *keylog_file;

static void write_keylog(const SSL *ssl, const char *line)
{
    (void)ssl;
    fprintf(keylog_file, "%s\n", line);
    (void)fflush(keylog_file);
}

/* The file lets its reader decrypt every connection: for its owner alone. */
static bool open_keylog(const char *path)
{
    char fault[SECRET_FILE_FAULT_SIZE] = "";
    const int fd = secret_file_append(path, fault);

    keylog_file = fd < 0 ? NULL : fdopen(fd, "a");
    if (keylog_file == NULL) {
        fprintf(stderr, "%s--keylog %s: %s\n", options_where("keylog"), PRINTABLE(path),
                fd < 0 ? fault : strerror(errno));
        return false;
    }
    fprintf(stderr, "warning: --keylog: anybody who reads %s can decrypt every connection\n",
            PRINTABLE(path));
    return true;
}

bool tls_log_keys(SSL_CTX *ctx, const char *keylog)
{
    if (keylog == NULL)
        return true;
    if (keylog_file == NULL && !open_keylog(keylog))
        return false;
    SSL_CTX_set_keylog_callback(ctx, write_keylog);
    return true;
}

/* A context that was made since errno was 0. NULL: memory ran out meanwhile, so it lacks something.
 */
static SSL_CTX *if_complete(SSL_CTX *ctx)
{
    if (errno != ENOMEM)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

SSL_CTX *tls_ctx_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx;

    errno = 0;
    ctx = if_complete(SSL_CTX_new(method));
    if (ctx != NULL)
        (void)SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
    return ctx;
}

SSL_CTX *tls_psk_ctx(const SSL_METHOD *method, const char *keylog)
{
    SSL_CTX *ctx;

    errno = 0;
    ctx = if_complete(tls13_psk_ctx(NULL, method));
    if (ctx == NULL) {
        fprintf(stderr, "TLS: %s\n", tls_error("out of memory"));
        return NULL;
    }
    if (tls_log_keys(ctx, keylog))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* A version itself stays constant; only the reference count of its SSL_CTX changes. */
struct ctx_version {
    SSL_CTX *ctx;
};

SSL_CTX *tls_ctx_current(struct current *current)
{
    const struct ctx_version *version = current_acquire(current);
    SSL_CTX *ctx = SSL_CTX_up_ref(version->ctx) ? version->ctx : NULL;

    current_release(current, version);
    return ctx;
}

static void free_ctx(void *value)
{
    const struct ctx_version *version = value;

    SSL_CTX_free(version->ctx);
    OPENSSL_free(value);
}

struct current_version *tls_ctx_prepare(SSL_CTX *ctx)
{
    struct ctx_version *value = OPENSSL_zalloc(sizeof(*value));

    if (value == NULL) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    value->ctx = ctx;
    return current_prepare(value, free_ctx);
}

void tls_close(SSL *ssl)
{
    if (ssl == NULL)
        return;
    if (SSL_is_init_finished(ssl) && dtls_acquire_buffers(ssl))
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
    if (SSL_get_fd(ssl) >= 0)
        (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

bool tls_psk_was_used(SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION ? tls13_psk_was_used(ssl) : dtls_psk_was_used(ssl);
}

bool tls_alpn_is(const SSL *ssl, const char *protocol)
{
    const unsigned char *agreed;
    unsigned int length;

    SSL_get0_alpn_selected(ssl, &agreed, &length);
    return length == strlen(protocol) && memcmp(agreed, protocol, length) == 0;
}

const char *tls_error(const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason == NULL ? otherwise : reason;
}

const char *tls_file_error(void)
{
    const unsigned long error = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

    ERR_clear_error();
    return reason == NULL ? "it cannot be used" : reason;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is that of libcrypto */
int tls_no_passphrase(char *passphrase, int size, int writing, void *argument)
{
    bool *was_asked = argument;

    (void)passphrase, (void)size, (void)writing;
    if (was_asked != NULL)
        *was_asked = true;
    return -1;
}
