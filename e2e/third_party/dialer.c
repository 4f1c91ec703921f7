/*
 * Making the link's connection: TCP, TLS with certificates, the protocol agreed on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/dialer.h"

#include "net/connector.h"
#include "net/io_watch.h"
#include "net/tls.h"
#include "net/tls_client.h"
#include "third_party/tp_link_tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

struct dialer {
    struct loop *loop;
    struct connector *connector;
    struct connected known; /* the connector's answer if it came at once */
    SSL *ssl;
    struct io_watch watch;
    int fd;
    struct sockaddr_storage address;
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
    } else if (dialer->fd >= 0) {
        connector_blame(&dialer->address, CONNECTOR_BLAME_MS);
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
                           ? tls_error("no reason given")
                           : X509_verify_cert_error_string(SSL_get_verify_result(dialer->ssl)));
}

/* The socket is connected, or there is none. */
static void on_connected(void *argument, const struct connected *connected)
{
    struct dialer *dialer = argument;

    dialer->connector = NULL;
    dialer->fd = connected->fd;
    dialer->address = connected->address;
    if (dialer->fd < 0) {
        finish(dialer, connected->reason);
        return;
    }
    io_watch_init(&dialer->watch, dialer->loop, dialer->fd, handshake, dialer);
    if (SSL_set_fd(dialer->ssl, dialer->fd))
        handshake(dialer, true);
    else
        finish(dialer, "out of memory");
}

/* What was known at once is told from the loop. */
static void on_known(void *argument, bool in_time)
{
    struct dialer *dialer = argument;
    const struct connected known = dialer->known;

    (void)in_time;
    on_connected(dialer, &known);
}

struct dialer *dialer_start(struct loop *loop, SSL_CTX *ctx, const struct addrs *addrs,
                            const char *host, int64_t deadline, dialer_done *done, void *argument)
{
    struct dialer *dialer = OPENSSL_zalloc(sizeof(*dialer));

    if (dialer == NULL)
        return NULL;
    *dialer = (struct dialer){
        .loop = loop,
        .ssl = tls_client_new(ctx, host, X509_CHECK_FLAG_NO_WILDCARDS),
        .fd = -1,
        .deadline = deadline,
        .done = done,
        .argument = argument,
    };
    io_watch_init(&dialer->watch, loop, -1, on_known, dialer);
    if (dialer->ssl == NULL) {
        dialer_stop(dialer);
        return NULL;
    }
    SSL_set_connect_state(dialer->ssl);
    dialer->connector =
        connector_start(loop, addrs, deadline, on_connected, dialer, &dialer->known);
    if (dialer->connector == NULL) {
        dialer->fd = dialer->known.fd;
        io_watch_set(&dialer->watch, IO_OK, 0);
    }
    return dialer;
}

void dialer_stop(struct dialer *dialer)
{
    if (dialer == NULL)
        return;
    connector_stop(dialer->connector);
    io_watch_cancel(&dialer->watch);
    SSL_free(dialer->ssl);
    if (dialer->fd >= 0)
        (void)close(dialer->fd);
    OPENSSL_free(dialer);
}
