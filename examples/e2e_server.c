/*
 * A server: derive e2e_key of one device, accept TLS 1.3 connections secured with it, echo what
 * comes
 *
 *     e2e_server HOST:PORT IDENTITY REFRESH <secrets
 *
 * The secrets are 32 octets of Ks_NAF and 32 of Ka; a real server looks them up by the identity. It
 * says where it listens (port 0: on a free one) and serves one connection at a time until it is
 * ended. A client that does not prove its key, or is silent for ten seconds, is disconnected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_secrets.h"
#include "tls13_psk.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define IDLE_MAX 10 /* seconds */

struct device {
    const char *identity;
    unsigned char key[E2E_KEY_LENGTH];
};

/*
 * An unknown identity gets a key that nobody has, so that its handshake fails as one with a wrong
 * key does: a client cannot find out which identities there are (RFC 8446 4.2.11).
 */
static int find_key(SSL *ssl, const unsigned char *identity, size_t length, SSL_SESSION **session)
{
    const struct device *device = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const bool known =
        length == strlen(device->identity) && memcmp(identity, device->identity, length) == 0;
    unsigned char nobody[E2E_KEY_LENGTH];

    if (RAND_bytes(nobody, sizeof(nobody)) <= 0)
        return 0;
    *session = tls13_psk_session(ssl, known ? device->key : nobody, E2E_KEY_LENGTH);
    return *session != NULL;
}

static bool set_idle_max(BIO *connection)
{
    const struct timeval idle = {IDLE_MAX, 0};
    const int fd = (int)BIO_get_fd(connection, NULL);

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle)) == 0;
}

/* Until the client has nothing more to say. */
static void echo(SSL *ssl)
{
    char line[256];
    int length;

    do
        length = SSL_read(ssl, line, sizeof(line));
    while (length > 0 && SSL_write(ssl, line, length) > 0);
    if (SSL_get_error(ssl, length) == SSL_ERROR_ZERO_RETURN)
        (void)SSL_shutdown(ssl);
}

/* Takes the connection over. */
static void serve(SSL_CTX *ctx, BIO *connection)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL || !set_idle_max(connection)) {
        BIO_free_all(connection);
    } else {
        SSL_set_bio(ssl, connection, connection);
        if (SSL_accept(ssl) > 0 && tls13_psk_was_used(ssl))
            echo(ssl);
    }
    ERR_print_errors_fp(stderr);
    SSL_free(ssl);
}

/* Returns if accepting a connection fails. */
static void listen_on(char *address, SSL_CTX *ctx)
{
    BIO *listener = BIO_new_accept(address);

    if (listener != NULL && BIO_set_bind_mode(listener, BIO_BIND_REUSEADDR) > 0 &&
        BIO_do_accept(listener) > 0) { /* the first one binds */
        printf("listening on %s:%s\n", BIO_get_accept_name(listener),
               BIO_get_accept_port(listener));
        (void)fflush(stdout);
        while (BIO_do_accept(listener) > 0)
            serve(ctx, BIO_pop(listener));
    }
    ERR_print_errors_fp(stderr);
    BIO_free_all(listener);
}

int main(int argc, char *argv[])
{
    struct device device = {.identity = argc == 4 ? argv[2] : ""};
    SSL_CTX *ctx = NULL;

    if (argc != 4) {
        fprintf(stderr, "usage: e2e_server HOST:PORT IDENTITY REFRESH <secrets\n");
        return 2;
    }
    if (e2e_secrets_key(device.key, argv[3], "e2e_server") &&
        (ctx = tls13_psk_ctx(NULL, TLS_server_method())) != NULL) {
        SSL_CTX_set_app_data(ctx, &device);
        SSL_CTX_set_psk_find_session_callback(ctx, find_key);
        (void)signal(SIGPIPE, SIG_IGN);
        listen_on(argv[1], ctx);
    }
    ERR_print_errors_fp(stderr);
    SSL_CTX_free(ctx);
    OPENSSL_cleanse(device.key, sizeof(device.key));
    return 1;
}
