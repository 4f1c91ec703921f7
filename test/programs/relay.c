/*
 * A relay between a TLS connection and an application that reads nothing until all has been sent:
 * relay OCTETS; or with a UE that asks for new keys while it takes nothing: relay key-update
 *
 * So many octets are there, in records of 300, before the relay starts, and then nothing more
 * comes: what libssl has read ahead of time shows on no socket. Prints how many octets reach the
 * application; then the same once more, with close_notify behind them, and "end" where that
 * arrives. key-update: how many octets reach the application meanwhile, and then the UE.
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

/* The application and the UE, and the relay between them. */
struct both {
    struct event_base *base;
    int tls[2], plain[2];
    SSL *client, *server;
    struct relay *relay;
    int64_t active;
    bool has_ended;
};

static void open_both(struct both *both, SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
    *both = (struct both){.base = event_base_new()};
    make_pair(both->tls, 1 << 22);
    make_pair(both->plain, 1);
    both->client = new_ssl(client_ctx, both->tls[0]);
    both->server = new_ssl(server_ctx, both->tls[1]);
    check(tls13_psk_offer(both->client, "x", key, sizeof(key)) == 1, "offer");
    shake_hands(both->client, both->server);
}

static void start_relay(struct both *both)
{
    both->relay = relay_start(both->base, both->server, both->plain[0], NULL, 0, &both->active,
                              ended, &both->has_ended);
    check(both->relay != NULL, "relay_start");
}

static void close_both(struct both *both)
{
    if (!both->has_ended)
        relay_stop(both->relay);
    event_base_free(both->base);
    SSL_free(both->client);
    SSL_free(both->server);
    (void)close(both->tls[0]), (void)close(both->tls[1]), (void)close(both->plain[1]);
}

static void turn(struct both *both)
{
    for (int turns = 0; turns < TURNS; turns++)
        (void)event_base_loop(both->base, EVLOOP_NONBLOCK);
}

/* As much as goes, from the application on: then the relay holds octets that the UE does not take.
 */
static size_t fill(struct both *both)
{
    static const char octets[RELAY_PART];
    size_t filled = 0;
    ssize_t put = 1;

    for (int turns = 0; turns < TURNS; turns++) {
        while ((put = write(both->plain[1], octets, sizeof(octets))) > 0)
            filled += (size_t)put;
        (void)event_base_loop(both->base, EVLOOP_NONBLOCK);
    }
    return filled;
}

static size_t drain(struct both *both, size_t most)
{
    static char octets[RELAY_PART];
    size_t drained = 0;

    for (int turns = 0; turns < 100 * TURNS && drained < most; turns++) {
        int got;

        while ((got = SSL_read(both->client, octets, sizeof(octets))) > 0)
            drained += (size_t)got;
        (void)event_base_loop(both->base, EVLOOP_NONBLOCK);
    }
    return drained;
}

static void run_key_updates(SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
    struct both both;
    size_t filled, received;
    bool end;

    open_both(&both, client_ctx, server_ctx);
    for (size_t i = 0; i < 2; i++) {
        const int little = 1;

        check(setsockopt(both.tls[i], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0, "room");
    }
    start_relay(&both);
    filled = fill(&both);
    for (int update = 0; update < 3; update++) {
        check(SSL_key_update(both.client, SSL_KEY_UPDATE_REQUESTED) == 1 &&
                  SSL_do_handshake(both.client) == 1,
              "SSL_key_update");
        check(SSL_write(both.client, "after", 5) == 5, "SSL_write");
        turn(&both);
    }
    received = receive(both.base, both.plain[1], &end);
    printf("%zu%s\n", received, both.has_ended ? " ended" : "");
    if (!both.has_ended)
        printf("%s\n", drain(&both, filled) == filled ? "all" : "not all");
    close_both(&both);
}

static void run(SSL_CTX *client_ctx, SSL_CTX *server_ctx, size_t octets, bool ends)
{
    static const char record[RECORD];
    struct both both;
    size_t received;
    bool end;

    open_both(&both, client_ctx, server_ctx);
    for (size_t sent = 0; sent < octets; sent += RECORD)
        check(SSL_write(both.client, record, RECORD) == RECORD, "SSL_write");
    check(!ends || SSL_shutdown(both.client) == 0, "SSL_shutdown");
    start_relay(&both);
    turn(&both);
    received = receive(both.base, both.plain[1], &end);
    printf("%zu%s\n", received, end ? " end" : "");
    close_both(&both);
}

int main(int argc, char *argv[])
{
    SSL_CTX *client = tls13_psk_ctx(NULL, TLS_client_method()),
            *server = tls13_psk_ctx(NULL, TLS_server_method());

    check(argc == 2 && client != NULL && server != NULL, "relay OCTETS|key-update");
    SSL_CTX_set_psk_find_session_callback(server, find);
    if (strcmp(argv[1], "key-update") == 0) {
        run_key_updates(client, server);
    } else {
        run(client, server, strtoul(argv[1], NULL, 10), false);
        run(client, server, strtoul(argv[1], NULL, 10), true);
    }
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    return EXIT_SUCCESS;
}
