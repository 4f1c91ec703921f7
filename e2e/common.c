/*
 * What both programs do alike
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "common.h"

#include "tls13_psk.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 || (keylog_file = fdopen(fd, "a")) == NULL) {
        fprintf(stderr, "--keylog %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(stderr, "warning: --keylog: who reads %s can decrypt every connection\n", path);
    return true;
}

SSL_CTX *common_ctx(const SSL_METHOD *method, const char *keylog)
{
    SSL_CTX *ctx = tls13_psk_ctx(method);

    if (ctx == NULL) {
        fprintf(stderr, "TLS: %s\n", common_ssl_error());
        return NULL;
    }
    if (keylog != NULL) {
        if (keylog_file == NULL && !open_keylog(keylog)) {
            SSL_CTX_free(ctx);
            return NULL;
        }
        SSL_CTX_set_keylog_callback(ctx, write_keylog);
    }
    return ctx;
}

const char *common_ssl_error(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason == NULL ? "no reason given" : reason;
}
