/*
 * A relay between a TLS connection and an application that reads nothing until all has been sent:
 * relay OCTETS
 *
 * So many octets are there, in records of 300, before the relay starts, and then nothing more
 * comes: what libssl has read ahead of time shows on no socket. Prints how many octets reach the
 * application; then the same once more, with close_notify behind them, and "end" where that
 * arrives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/relay.h"
#include "tls13_psk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 300 /* octets */
#define TURNS  100 /* of the loop, by which a relay has done what it can */

static const unsigned char key[32] = {1};

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

/* Two ends that do not block; the kernel takes so many octets from the first one. */
static void make_pair(int pair[2], int room)
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
    SSL *ssl = SSL_new(ctx);

    check(ssl != NULL && SSL_set_fd(ssl, fd), "SSL_new");
    (void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    return ssl;
}

static void shake_hands(SSL *client, SSL *server)
{
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int turn = 0; turn < TURNS; turn++)
        if (SSL_do_handshake(client) + SSL_do_handshake(server) == 2)
            return;
    check(false, "handshake");
}

static void ended(void *argument, const char *reason)
{
    (void)reason;
    *(bool *)argument = true;
}

/* What the application gets, the relay going on in between. */
static size_t receive(struct event_base *base, int plain, bool *end)
{
    static char octets[RELAY_PART];
    size_t received = 0;
    ssize_t got;

    *end = false;
    for (int turn = 0; turn < TURNS; turn++) {
        while ((got = read(plain, octets, sizeof(octets))) > 0)
            received += (size_t)got;
        *end = *end || got == 0;
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
    }
    return received;
}

static void run(SSL_CTX *client_ctx, SSL_CTX *server_ctx, size_t octets, bool ends)
{
    static const char record[RECORD];
    struct event_base *base = event_base_new();
    int tls[2], plain[2];
    bool end, relay_has_ended = false;
    int64_t active;
    struct relay *relay;
    SSL *client, *server;
    size_t received;

    make_pair(tls, 1 << 22);
    make_pair(plain, 1);
    client = new_ssl(client_ctx, tls[0]);
    server = new_ssl(server_ctx, tls[1]);
    check(tls13_psk_offer(client, "x", key, sizeof(key)) == 1, "offer");
    shake_hands(client, server);
    for (size_t sent = 0; sent < octets; sent += RECORD)
        check(SSL_write(client, record, RECORD) == RECORD, "SSL_write");
    check(!ends || SSL_shutdown(client) == 0, "SSL_shutdown");
    relay = relay_start(base, server, plain[0], NULL, 0, &active, ended, &relay_has_ended);
    check(relay != NULL, "relay_start");
    for (int turn = 0; turn < TURNS; turn++)
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
    received = receive(base, plain[1], &end);
    printf("%zu%s\n", received, end ? " end" : "");
    relay_stop(relay);
    event_base_free(base);
    SSL_free(client);
    SSL_free(server);
    (void)close(tls[0]), (void)close(tls[1]), (void)close(plain[1]);
}

int main(int argc, char *argv[])
{
    SSL_CTX *client = tls13_psk_ctx(NULL, TLS_client_method()),
            *server = tls13_psk_ctx(NULL, TLS_server_method());

    check(argc == 2 && client != NULL && server != NULL, "relay OCTETS");
    SSL_CTX_set_psk_find_session_callback(server, find);
    run(client, server, strtoul(argv[1], NULL, 10), false);
    run(client, server, strtoul(argv[1], NULL, 10), true);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return EXIT_SUCCESS;
}
