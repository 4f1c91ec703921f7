/*
 * dtls_timer - a datagram comes at the moment when libssl's timer runs out: the handshake goes on
 *
 * The two are one event to libevent. Exit status 0: it was taken for what it is; 1: for the
 * deadline, which is a minute away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/clock.h"
#include "net/dgram_bio.h"
#include "net/io_watch.h"

#include <stdlib.h>

static void on_ready(void *argument, bool in_time)
{
    (void)argument;
    exit(in_time ? EXIT_SUCCESS : EXIT_FAILURE);
}

int main(void)
{
    struct loops *loops = loops_new(1);
    SSL_CTX *ctx = SSL_CTX_new(DTLS_server_method());
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    BIO *bio = dgram_bio_new(-1, NULL);
    struct io_watch watch;

    if (loops == NULL || ssl == NULL || bio == NULL)
        return 2;
    SSL_set_bio(ssl, bio, bio);
    io_watch_init_ssl(&watch, &loops->loop[0], ssl, on_ready, NULL);
    io_watch_set(&watch, IO_WANT_READ, clock_ms() + 60000);
    event_active(&watch.event, EV_TIMEOUT, 0);
    io_watch_wake(&watch);
    (void)event_base_loop(loops->loop[0].base, EVLOOP_ONCE);
    return 2;
}
