/*
 * Making the line's connection: TCP, TLS with certificates, the protocol agreed on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/dialer.h"

#include "net/io_watch.h"
#include "net/tls.h"
#include "net/tls_client.h"
#include "third_party/tp_link_tls.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct dialer {
    struct loop *loop;
    const struct addrinfo *place;
    SSL *ssl;
    struct io_watch watch;
    int fd;
    int64_t deadline;
    dialer_done *done;
    void *argument;
};

static void finish(struct dialer *dialer, const char *reason)
{
    dialer_done *done = dialer->done;
    void *argument = dialer->argument;
    SSL *ssl = reason == NULL ? dialer->ssl : NULL;

    if (ssl != NULL) {
        dialer->ssl = NULL;
        dialer->fd = -1;
    }
    dialer_stop(dialer);
    done(argument, ssl, reason);
}

static void handshake(void *argument, bool in_time)
{
    struct dialer *dialer = argument;
    enum io_status result;
    int done;

    if (!in_time) {
        finish(dialer, "the TLS handshake was not complete in time");
        return;
    }
    ERR_clear_error();
    done = SSL_do_handshake(dialer->ssl);
    result = io_status_of_ssl(dialer->ssl, done);
    if (done == 1)
        finish(dialer, tp_link_tls_is_agreed(dialer->ssl) ? NULL
                                                          : "ALPN " TP_LINK_ALPN
                                                            " was not agreed on");
    else if (result == IO_WANT_READ || result == IO_WANT_WRITE)
        io_watch_set(&dialer->watch, result, dialer->deadline);
    else
        finish(dialer, SSL_get_verify_result(dialer->ssl) == X509_V_OK
                           ? tls_error()
                           : X509_verify_cert_error_string(SSL_get_verify_result(dialer->ssl)));
}

static bool try_next(struct dialer *dialer);

/* The connection stands, or another place has to do. */
static void on_connected(void *argument, bool in_time)
{
    struct dialer *dialer = argument;
    socklen_t size = sizeof(int);
    int error = ETIMEDOUT;

    io_watch_cancel(&dialer->watch);
    if (in_time && getsockopt(dialer->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0) {
        io_watch_init(&dialer->watch, dialer->loop, dialer->fd, handshake, dialer);
        if (SSL_set_fd(dialer->ssl, dialer->fd))
            handshake(dialer, true);
        else
            finish(dialer, "out of memory");
        return;
    }
    (void)close(dialer->fd);
    dialer->fd = -1;
    dialer->place = dialer->place->ai_next;
    errno = error;
    if (!in_time || !try_next(dialer))
        finish(dialer, strerror(error));
}

static bool try_next(struct dialer *dialer)
{
    dialer->fd = addrs_connect(&dialer->place);
    if (dialer->fd < 0)
        return false;
    io_watch_init(&dialer->watch, dialer->loop, dialer->fd, on_connected, dialer);
    io_watch_set(&dialer->watch, IO_WANT_WRITE, dialer->deadline);
    return true;
}

/* Nothing could even be begun. */
static void on_nothing(void *argument, bool in_time)
{
    (void)in_time;
    finish(argument, "no connection");
}

struct dialer *dialer_start(struct loop *loop, SSL_CTX *ctx, const struct addrs *addrs,
                            const char *host, int64_t deadline, dialer_done *done, void *argument)
{
    struct dialer *dialer = OPENSSL_zalloc(sizeof(*dialer));

    if (dialer == NULL)
        return NULL;
    *dialer = (struct dialer){
        .loop = loop,
        .place = addrs->list,
        .ssl = tls_client_new(ctx, host, X509_CHECK_FLAG_NO_WILDCARDS),
        .fd = -1,
        .deadline = deadline,
        .done = done,
        .argument = argument,
    };
    io_watch_init(&dialer->watch, loop, -1, on_nothing, dialer);
    if (dialer->ssl == NULL) {
        dialer_stop(dialer);
        return NULL;
    }
    SSL_set_connect_state(dialer->ssl);
    if (!try_next(dialer))
        io_watch_set(&dialer->watch, IO_OK, 0);
    return dialer;
}

void dialer_stop(struct dialer *dialer)
{
    if (dialer == NULL)
        return;
    io_watch_cancel(&dialer->watch);
    SSL_free(dialer->ssl);
    if (dialer->fd >= 0)
        (void)close(dialer->fd);
    OPENSSL_free(dialer);
}
