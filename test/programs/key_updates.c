/*
 * The other side asks for new keys while what was written to it is under way still: a connection of
 * lines, and one to a Redis, whose server we are not
 *
 * Prints, for each of the two, how many octets had come back when all was read, or why it ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_backlog.h"
#include "net/tls_lines.h"
#include "store/redis_io.h"
#include "tls_pair.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE    8000 /* octets */
#define LINES   20
#define UPDATES 3
#define WORD    "word\n"

static size_t drain(SSL *ssl)
{
    static char octets[LINE];
    size_t drained = 0;
    int got;

    ERR_clear_error();
    while ((got = SSL_read(ssl, octets, sizeof(octets))) > 0)
        drained += (size_t)got;
    return drained;
}

/* A request for keys, and something behind it that has to be read. */
static void ask(const struct tls_pair *pair)
{
    tls_pair_ask_for_keys(pair);
    check(SSL_write(pair->client, WORD, strlen(WORD)) == (int)strlen(WORD), "SSL_write");
}

static void run_lines(void)
{
    static const char text[LINE - 1];
    struct tls_pair pair;
    struct tls_lines lines = {.ssl = NULL};
    enum io_status written = IO_WANT_WRITE;
    size_t drained = 0, length;
    const char *line;

    tls_pair_open(&pair, 1 << 22);
    tls_pair_narrow(&pair);
    check(tls_backlog_add(pair.server), "tls_backlog_add");
    lines.ssl = pair.server;
    for (int i = 0; i < LINES; i++)
        check(tls_lines_add(&lines, "", text, sizeof(text)), "tls_lines_add");
    check(tls_lines_write(&lines) == IO_WANT_WRITE, "all of it was taken");
    for (int i = 0; i < UPDATES; i++) {
        ask(&pair);
        check(tls_lines_read(&lines, &line, &length) == IO_OK, "tls_lines_read");
        (void)tls_lines_write(&lines);
    }
    for (int turn = 0; turn < 100 * TURNS && written == IO_WANT_WRITE; turn++) {
        drained += drain(pair.client);
        written = tls_lines_write(&lines);
    }
    printf("lines %zu\n", drained + drain(pair.client));
    tls_lines_clear(&lines);
    tls_pair_close(&pair);
}

static bool on_opened(void *argument)
{
    (void)argument;
    return true;
}

static bool on_octets(void *argument, const char *octets, size_t length)
{
    (void)octets;
    *(size_t *)argument += length;
    return true;
}

static void on_end(void *argument, const char *reason)
{
    (void)argument;
    check(false, reason);
}

static void turn_some(const struct loops *loops)
{
    for (int i = 0; i < TURNS; i++)
        (void)event_base_loop(loops->loop->base, EVLOOP_NONBLOCK);
}

/* Our side is the client of TLS, as redis_io has it, and the other one asks for keys. */
static void run_redis(void)
{
    static const struct redis_io_calls calls = {on_opened, on_octets, on_end};
    static const char text[LINE];
    struct loops *loops = loops_new(1);
    size_t drained = 0, taken = 0;
    struct tls_pair pair, asks;
    struct redis_io *io;

    if (loops == NULL)
        abort();
    tls_pair_make(&pair, 1 << 22);
    io = redis_io_new(loops->loop, pair.fds[0], pair.client, &calls, &taken);
    check(io != NULL, "redis_io_new");
    for (int turn = 0; turn < TURNS && SSL_do_handshake(pair.server) != 1; turn++)
        turn_some(loops);
    tls_pair_narrow(&pair);
    for (int i = 0; i < LINES; i++)
        check(redis_io_add(io, text, sizeof(text)), "redis_io_add");
    turn_some(loops);
    asks = (struct tls_pair){.client = pair.server};
    for (int i = 0; i < UPDATES; i++) {
        ask(&asks);
        turn_some(loops);
    }
    check(taken == UPDATES * strlen(WORD), "what came was not read");
    for (int turn = 0; turn < TURNS; turn++) {
        drained += drain(pair.server);
        turn_some(loops);
    }
    printf("redis %zu\n", drained);
    redis_io_free(io); /* with the client's end */
    pair.client = NULL;
    pair.fds[0] = -1;
    tls_pair_close(&pair);
    loops_free(loops);
}

int main(void)
{
    run_lines();
    run_redis();
    return EXIT_SUCCESS;
}
