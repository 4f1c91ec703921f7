/*
 * Fuzz target: what comes to a socket of DTLS, before and after the cookie, and in a session
 *
 * The input is a list of steps, each an octet, a length and so many octets: a datagram as it is;
 * a ClientHello that gets the cookie which its address was given; a step of a client that knows
 * the key; a line of that client in its session. A server's acceptor takes all of it. What an
 * unproved address is sent is never more than what came from it; at the end there is no connection
 * left, and none is counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dtls.h"
#include "messages/e2e_flag.h"
#include "net/clock.h"
#include "net/dgram.h"
#include "net/tls_lines.h"
#include "server/acceptor.h"
#include "server/conn_limit.h"
#include "server/dtls_acceptor.h"
#include "session/ue_repeats.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CIPHERS     "PSK-AES128-CCM8"
#define STEPS_MAX   64
#define COOKIE_AT   61 /* in a ClientHello without a session; record, message, version, random */
#define COOKIE_SIZE 32
#define VERIFY_SIZE (13 + 12 + 3 + COOKIE_SIZE) /* of a HelloVerifyRequest */

enum step { STEP_DATAGRAM, STEP_COOKIE, STEP_CLIENT, STEP_LINE, STEPS };

static const unsigned char key[32] = {1};

static void want(bool is_so)
{
    if (!is_so)
        abort();
}

/* A connection of the server: lines of a flag's exchange, and their answers. */
struct guest {
    struct connection connection;
    struct tls_lines lines;
    struct ue_repeats *repeats;
};

static SSL_CTX *server_ctx, *client_ctx;

static unsigned int find_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned int max)
{
    (void)ssl, (void)identity;
    want(max >= sizeof(key));
    memcpy(psk, key, sizeof(key));
    return sizeof(key);
}

static int judge(SSL *ssl, int *alert, void *argument)
{
    (void)argument;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return dtls_judge_client_hello(ssl) == NULL ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static SSL_CTX *give_ctx(void *service)
{
    (void)service;
    want(SSL_CTX_up_ref(server_ctx) == 1);
    return server_ctx;
}

static void end(struct connection *connection)
{
    connection_end(connection);
}

/* The first nonce is answered, and the same one again; another one is the end. */
static bool serve(struct guest *guest, const char *line, size_t length)
{
    static const char answer[] = "{\"e2e\":0}";
    char fault[E2E_FLAG_FAULT_SIZE];
    struct nonce nonce;

    if (guest->repeats != NULL) {
        const char *again = ue_repeats_answer(guest->repeats, line, length);

        want(again == NULL || strcmp(again, answer) == 0);
        return again != NULL && tls_lines_add(&guest->lines, "", again, strlen(again));
    }
    if (!nonce_decode(&nonce, line, length, fault))
        return false;
    guest->repeats = ue_repeats_new(line, length);
    want(guest->repeats != NULL && ue_repeats_set_answer(guest->repeats, answer));
    return tls_lines_add(&guest->lines, "", answer, sizeof(answer) - 1);
}

static void on_readable(void *argument, bool in_time)
{
    struct guest *guest = argument;
    const char *line;
    size_t length;
    enum io_status result = IO_OK;

    (void)in_time;
    while (result == IO_OK) {
        result = tls_lines_read(&guest->lines, &line, &length);
        want(result != IO_OK || length <= NONCE_LINE_MAX_UDP);
        if (result == IO_OK)
            result = serve(guest, line, length) ? tls_lines_write(&guest->lines) : IO_ERROR;
    }
    if (result == IO_WANT_READ)
        io_watch_set(&guest->connection.watch, result, guest->connection.deadline);
    else
        end(&guest->connection);
}

static void be_ready(struct connection *connection)
{
    struct guest *guest = (struct guest *)connection;

    guest->lines.ssl = connection->ssl;
    guest->lines.max = NONCE_LINE_MAX_UDP;
    io_watch_init_ssl(&connection->watch, connection->worker->loop, connection->ssl, on_readable,
                      guest);
    io_watch_set(&connection->watch, IO_WANT_READ, connection->deadline);
}

static void release(struct connection *connection)
{
    struct guest *guest = (struct guest *)connection;

    tls_lines_clear(&guest->lines);
    ue_repeats_free(guest->repeats);
}

static const struct connection_kind kind = {
    .name = "fuzz",
    .size = sizeof(struct guest),
    .pool = POOL_STATUS, /* which the log has nothing of */
    .dtls_ctx = give_ctx,
    .ready = be_ready,
    .release = release,
};

static struct worker worker;
static struct server server = {.limits = {.handshake = 60, .line = 60, .idle = 60},
                               .workers = &worker};
static struct endpoints endpoints;
static struct sockaddr_storage address;

static int open_socket(void)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    want(fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0);
    return fd;
}

static void open_server(void)
{
    static int sockets[1];
    socklen_t size = sizeof(address);

    log_set_up(LOG_LEVEL_ERR, NULL);
    server_ctx = dtls_psk_ctx(DTLS_server_method(), CIPHERS, NULL);
    client_ctx = dtls_psk_ctx(DTLS_client_method(), CIPHERS, NULL);
    server.loops = loops_new(1);
    server.pools[POOL_STATUS].max = 100;
    server.pools[POOL_STATUS].networks = conn_limit_new(100);
    want(server_ctx != NULL && client_ctx != NULL && server.loops != NULL);
    SSL_CTX_set_psk_server_callback(server_ctx, find_psk);
    SSL_CTX_set_client_hello_cb(server_ctx, judge, NULL);
    dtls_acceptor_set_up(server_ctx);
    worker.server = &server;
    worker.loop = &server.loops->loop[0];
    TAILQ_INIT(&worker.all);
    TAILQ_INIT(&worker.idle);
    for (size_t i = 0; i < POOLS; i++)
        TAILQ_INIT(&worker.unfinished[i]);
    sockets[0] = open_socket();
    want(getsockname(sockets[0], (struct sockaddr *)&address, &size) == 0);
    endpoints.endpoint[0] =
        (struct endpoint){.kind = &kind, .fd = sockets[0], .name = "fuzz", .sockets = sockets};
    endpoints.count = endpoints.loops = 1;
    want(endpoints_accept(&endpoints, &server));
}

static void turn(void)
{
    want(event_base_loop(worker.loop->base, EVLOOP_NONBLOCK) >= 0);
}

/* A peer of the server, and what it was sent. */
struct peer {
    int fd;
    SSL *ssl;
    unsigned char cookie[COOKIE_SIZE];
    size_t sent, received;
    bool is_proved; /* it has sent a cookie */
};

/* Unless it is the client's: libssl reads that itself. */
static void receive(struct peer *peer)
{
    unsigned char octets[2048];
    ssize_t length;

    while (peer->ssl == NULL && (length = recv(peer->fd, octets, sizeof(octets), 0)) >= 0) {
        peer->received += (size_t)length;
        if (length == VERIFY_SIZE && octets[13] == 3)
            memcpy(peer->cookie, octets + VERIFY_SIZE - COOKIE_SIZE, COOKIE_SIZE);
    }
    want(peer->is_proved || peer->ssl != NULL || peer->received <= peer->sent);
}

static void send_datagram(struct peer *peer, const uint8_t *octets, size_t length)
{
    (void)send(peer->fd, octets, length, 0);
    peer->sent += length;
    turn();
    receive(peer);
}

static void send_with_cookie(struct peer *peer, const uint8_t *octets, size_t length)
{
    unsigned char hello[512];

    if (length < COOKIE_AT + COOKIE_SIZE || length > sizeof(hello))
        return;
    memcpy(hello, octets, length);
    memcpy(hello + COOKIE_AT, peer->cookie, COOKIE_SIZE);
    peer->is_proved = true;
    send_datagram(peer, hello, length);
}

static void step_client(struct peer *peer)
{
    const struct dtls_key offered = {.octets = key};

    if (peer->ssl == NULL) {
        peer->ssl = SSL_new(client_ctx);
        want(peer->ssl != NULL && dtls_set_connected(peer->ssl, peer->fd) &&
             dtls_psk_offer(peer->ssl, "fuzz", &offered, 1));
        SSL_set_connect_state(peer->ssl);
    }
    (void)SSL_do_handshake(peer->ssl);
    ERR_clear_error();
    turn();
}

static void say_line(struct peer *peer, const uint8_t *octets, size_t length)
{
    char heard[256];

    if (peer->ssl == NULL || !SSL_is_init_finished(peer->ssl) || length == 0)
        return;
    (void)SSL_write(peer->ssl, octets, (int)length);
    turn();
    (void)SSL_read(peer->ssl, heard, sizeof(heard));
    ERR_clear_error();
}

static void take_step(struct peer *peer, enum step step, const uint8_t *octets, size_t length)
{
    switch (step) {
    case STEP_DATAGRAM:
        send_datagram(peer, octets, length);
        break;
    case STEP_COOKIE:
        send_with_cookie(peer, octets, length);
        break;
    case STEP_CLIENT:
        step_client(peer);
        break;
    default:
        say_line(peer, octets, length);
    }
}

static void end_all(void)
{
    struct connection *connection;

    turn();
    while ((connection = TAILQ_FIRST(&worker.all)) != NULL)
        end(connection);
    want(atomic_load(&server.pools[POOL_STATUS].open) == 0 && atomic_load(&worker.open) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer peer = {.fd = -1};

    if (server.loops == NULL)
        open_server();
    peer.fd = open_socket();
    want(connect(peer.fd, (struct sockaddr *)&address, sizeof(struct sockaddr_in)) == 0);
    for (size_t step = 0, at = 0; step < STEPS_MAX && at + 3 <= size; step++) {
        const size_t announced = (size_t)data[at + 1] << 8 | data[at + 2];
        const size_t length = announced < size - at - 3 ? announced : size - at - 3;

        take_step(&peer, (enum step)(data[at] % STEPS), data + at + 3, length);
        at += 3 + length;
    }
    SSL_free(peer.ssl);
    (void)close(peer.fd);
    end_all();
    return 0;
}
