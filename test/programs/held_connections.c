/*
 * Connections of one Ks_NAF that are held open: held_connections ADDRESS IDENTITY KEY COUNT
 *
 * Handshakes are made one after the other. Each line of standard input is answered with how many of
 * the connections are open still, after two octets were sent on each; its end ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"
#include "net/addr.h"
#include "net/tls.h"
#include "stream.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SSL *connect_one(SSL_CTX *ctx, const char *address, const char *identity,
                        const unsigned char key[32])
{
    const int fd = stream_connect(address);
    SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);

    if (ssl == NULL || !SSL_set_fd(ssl, fd) || !tls13_psk_offer(ssl, identity, key, 32))
        return NULL;
    SSL_set_connect_state(ssl);
    if (stream_handshake(ssl) == STREAM_OK)
        return ssl;
    tls_close(ssl);
    return NULL;
}

/* Is a connection open? Two octets are sent; what has come says whether the other side has closed.
 */
static bool is_open(SSL *ssl)
{
    char octets[64];
    int got;

    if (ssl == NULL || SSL_write(ssl, "{ ", 2) <= 0)
        return false;
    got = SSL_read(ssl, octets, sizeof(octets));
    return got > 0 || SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ;
}

int main(int argc, char *argv[])
{
    const size_t count = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    SSL **held = OPENSSL_zalloc(count * sizeof(SSL *));
    SSL_CTX *ctx = tls13_psk_ctx(NULL, TLS_client_method());
    unsigned char key[32];
    char line[16];

    if (held == NULL || ctx == NULL || strlen(argv[3]) != 64 || !hex_decode(key, argv[3], 64))
        return EXIT_FAILURE;
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < count; i++)
        held[i] = connect_one(ctx, argv[1], argv[2], key);
    do {
        size_t open = 0;

        for (size_t i = 0; i < count; i++) {
            ERR_clear_error();
            open += is_open(held[i]);
        }
        printf("%zu\n", open);
        (void)fflush(stdout);
    } while (fgets(line, sizeof(line), stdin) != NULL);
    for (size_t i = 0; i < count; i++)
        tls_close(held[i]);
    SSL_CTX_free(ctx);
    OPENSSL_free(held);
    return EXIT_SUCCESS;
}
