/*
 * The table of revoked Ka's in a PostgreSQL, read again as soon as it changes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revoked_watch.h"

#ifdef AKMA_LIBPQ
#    include "ka/ka_revoked_rows.h"
#    include "ka/pg_client.h"
#    include "net/clock.h"
#    include "ops/log.h"

#    include <openssl/crypto.h>
#    include <stdatomic.h>
#    include <stdio.h>

#    define TIMEOUT_MS 10000 /* for a connection, and for the whole table */
#    define PAUSE_MS   300   /* between two readings */

static const struct pg_statement statements[] = {{KA_REVOKED_ROWS}};

struct ka_revoked_watch {
    struct pg_client_setup setup;
    struct loops *loops; /* one */
    ka_revoked_fresh *fresh;
    void *argument;
    atomic_bool is_stale;
    /* the thread's */
    struct pg_client *client;
    bool is_reading, has_failed;
    int64_t read_at; /* clock_ms(): not again before */
};

/* The current list stays in use. */
static void complain(struct ka_revoked_watch *watch, const char *reason)
{
    log_event("revocation", "result", "failed", "reason", reason, NULL);
    watch->has_failed = true;
}

static void on_rows(void *argument, const PGresult *rows, const char *reason)
{
    struct ka_revoked_watch *watch = argument;
    char why[KA_REVOKED_FAULT_SIZE];
    struct ka_revoked *list;

    (void)reason;
    watch->is_reading = false;
    if (rows == NULL)
        return; /* with the next connection */
    list = ka_revoked_of_rows(rows, why);
    if (list == NULL) {
        if (!watch->has_failed)
            complain(watch, why);
        watch->is_stale = true;
        watch->read_at = clock_ms() + TIMEOUT_MS;
        return;
    }
    watch->has_failed = false;
    watch->fresh(watch->argument, list);
}

static void on_tick(void *argument)
{
    struct ka_revoked_watch *watch = argument;
    const int64_t now = clock_ms();

    if (watch->is_reading || now < watch->read_at || !pg_client_is_ready(watch->client) ||
        !atomic_exchange(&watch->is_stale, false))
        return;
    watch->read_at = now + PAUSE_MS;
    watch->is_reading = pg_client_send(watch->client, statements, 0, NULL, on_rows, watch);
    if (!watch->is_reading)
        watch->is_stale = true;
}

static void on_ready(void *argument)
{
    struct ka_revoked_watch *watch = argument;

    watch->has_failed = false;
    watch->is_stale = true;
}

static void on_down(void *argument, const char *reason, bool is_new)
{
    char why[KA_REVOKED_FAULT_SIZE];

    (void)snprintf(why, sizeof(why), "--ka-revoked: %.400s", reason);
    if (is_new)
        complain(argument, why);
}

static void on_notified(void *argument, const char *payload)
{
    struct ka_revoked_watch *watch = argument;

    (void)payload;
    watch->is_stale = true;
}

static void on_settle(void *argument)
{
    (void)argument;
}

struct ka_revoked_watch *ka_revoked_watch_new(const struct ka_revoked_place *place,
                                              ka_revoked_fresh *fresh, void *argument)
{
    struct ka_revoked_watch *watch = OPENSSL_zalloc(sizeof(*watch));

    if (watch == NULL)
        return NULL;
    watch->fresh = fresh;
    watch->argument = argument;
    watch->setup = (struct pg_client_setup){
        .address = {.uri = place->where,
                    .password_file = place->password_file,
                    .program = "e2e-as"},
        .channel = "akma_ka_revoked",
        .statements = statements,
        .count = sizeof(statements) / sizeof(statements[0]),
        .milliseconds = TIMEOUT_MS,
        .ready = on_ready,
        .down = on_down,
        .notified = on_notified,
        .settle = on_settle,
        .tick = on_tick,
        .argument = watch,
    };
    watch->loops = loops_new(1);
    if (watch->loops != NULL &&
        (watch->client = pg_client_new(&watch->loops->loop[0], &watch->setup)) != NULL &&
        loops_start(watch->loops))
        return watch;
    pg_client_free(watch->client);
    loops_free(watch->loops);
    OPENSSL_free(watch);
    return NULL;
}

void ka_revoked_watch_again(struct ka_revoked_watch *watch)
{
    watch->is_stale = true;
}

void ka_revoked_watch_free(struct ka_revoked_watch *watch)
{
    if (watch == NULL)
        return;
    loops_stop(watch->loops);
    pg_client_free(watch->client);
    loops_free(watch->loops);
    OPENSSL_free(watch);
}
#else
struct ka_revoked_watch *ka_revoked_watch_new(const struct ka_revoked_place *place,
                                              ka_revoked_fresh *fresh, void *argument)
{
    (void)place, (void)fresh, (void)argument;
    return NULL;
}

void ka_revoked_watch_again(struct ka_revoked_watch *watch)
{
    (void)watch;
}

void ka_revoked_watch_free(struct ka_revoked_watch *watch)
{
    (void)watch;
}
#endif
