/*
 * Two ends of a TLS connection in one process, for the tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls_pair.h"

#include "tls13_psk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char key[32] = {1};

void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

void make_pair(int pair[2], int room)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0 &&
              setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0,
          "socketpair");
}

static int find(SSL *ssl, const unsigned char *identity, size_t length, SSL_SESSION **session)
{
    (void)identity, (void)length;
    *session = tls13_psk_session(ssl, key, sizeof(key));
    return *session != NULL;
}

static SSL *new_ssl(SSL_CTX *ctx, int fd)
{
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);

    check(ssl != NULL && SSL_set_fd(ssl, fd), "SSL_new");
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    return ssl;
}

static void shake_hands(const struct tls_pair *pair)
{
    SSL_set_connect_state(pair->client);
    for (int turn = 0; turn < TURNS; turn++)
        if (SSL_do_handshake(pair->client) + SSL_do_handshake(pair->server) == 2)
            return;
    check(false, "handshake");
}

void tls_pair_make(struct tls_pair *pair, int room)
{
    make_pair(pair->fds, room);
    pair->contexts[0] = tls13_psk_ctx(NULL, TLS_client_method());
    pair->contexts[1] = tls13_psk_ctx(NULL, TLS_server_method());
    pair->client = new_ssl(pair->contexts[0], pair->fds[0]);
    pair->server = new_ssl(pair->contexts[1], pair->fds[1]);
    SSL_set_psk_find_session_callback(pair->server, find);
    SSL_set_accept_state(pair->server);
    check(tls13_psk_offer(pair->client, "x", key, sizeof(key)) == 1, "offer");
}

void tls_pair_open(struct tls_pair *pair, int room)
{
    tls_pair_make(pair, room);
    shake_hands(pair);
}

void tls_pair_narrow(const struct tls_pair *pair)
{
    static const int little = 1;

    for (size_t i = 0; i < 2; i++)
        check(setsockopt(pair->fds[i], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0,
              "room");
}

void tls_pair_ask_for_keys(const struct tls_pair *pair)
{
    check(SSL_key_update(pair->client, SSL_KEY_UPDATE_REQUESTED) == 1 &&
              SSL_do_handshake(pair->client) == 1,
          "SSL_key_update");
}

void tls_pair_close(struct tls_pair *pair)
{
    SSL_free(pair->client);
    SSL_free(pair->server);
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_free(pair->contexts[i]);
        if (pair->fds[i] >= 0)
            (void)close(pair->fds[i]);
    }
}
