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
#include "tls_pair.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 300 /* octets */

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
    struct tls_pair tls;
    int plain[2];
    struct relay *relay;
    int64_t active;
    bool has_ended;
};

static void open_both(struct both *both)
{
    *both = (struct both){.base = event_base_new()};
    tls_pair_open(&both->tls, 1 << 22);
    make_pair(both->plain, 1);
}

static void start_relay(struct both *both)
{
    both->relay = relay_start(both->base, both->tls.server, both->plain[0], NULL, 0, &both->active,
                              ended, &both->has_ended);
    check(both->relay != NULL, "relay_start");
}

static void close_both(struct both *both)
{
    if (!both->has_ended)
        relay_stop(both->relay);
    event_base_free(both->base);
    tls_pair_close(&both->tls);
    (void)close(both->plain[1]);
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

        while ((got = SSL_read(both->tls.client, octets, sizeof(octets))) > 0)
            drained += (size_t)got;
        (void)event_base_loop(both->base, EVLOOP_NONBLOCK);
    }
    return drained;
}

static void run_key_updates(void)
{
    struct both both;
    size_t filled, received;
    bool end;

    open_both(&both);
    tls_pair_narrow(&both.tls);
    start_relay(&both);
    filled = fill(&both);
    for (int update = 0; update < 3; update++) {
        tls_pair_ask_for_keys(&both.tls);
        check(SSL_write(both.tls.client, "after", 5) == 5, "SSL_write");
        turn(&both);
    }
    received = receive(both.base, both.plain[1], &end);
    printf("%zu%s\n", received, both.has_ended ? " ended" : "");
    if (!both.has_ended)
        printf("%s\n", drain(&both, filled) == filled ? "all" : "not all");
    close_both(&both);
}

static void run(size_t octets, bool ends)
{
    static const char record[RECORD];
    struct both both;
    size_t received;
    bool end;

    open_both(&both);
    for (size_t sent = 0; sent < octets; sent += RECORD)
        check(SSL_write(both.tls.client, record, RECORD) == RECORD, "SSL_write");
    check(!ends || SSL_shutdown(both.tls.client) == 0, "SSL_shutdown");
    start_relay(&both);
    turn(&both);
    received = receive(both.base, both.plain[1], &end);
    printf("%zu%s\n", received, end ? " end" : "");
    close_both(&both);
}

int main(int argc, char *argv[])
{
    check(argc == 2, "relay OCTETS|key-update");
    if (strcmp(argv[1], "key-update") == 0) {
        run_key_updates();
    } else {
        run(strtoul(argv[1], NULL, 10), false);
        run(strtoul(argv[1], NULL, 10), true);
    }
    return EXIT_SUCCESS;
}
