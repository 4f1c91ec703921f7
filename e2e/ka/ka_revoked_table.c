/*
 * The list of revoked Ka's in a PostgreSQL: the table akma_ka_revoked (examples/postgresql)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revoked_table.h"

#include <stdio.h>
#include <string.h>

#define DATABASE "postgresql:"

bool ka_revoked_is_in_database(const char *where)
{
    return strncmp(where, DATABASE, strlen(DATABASE)) == 0;
}

static bool set_fault(char fault[KA_REVOKED_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, KA_REVOKED_FAULT_SIZE, "--ka-revoked: %s", what);
    return false;
}

#ifdef AKMA_LIBPQ
#    include "ka/pg_client.h"
#    include "net/clock.h"
#    include "ops/log.h"
#    include "postgresql.h"

#    include <openssl/crypto.h>
#    include <poll.h>
#    include <stdatomic.h>

#    define ROWS       "SELECT device, ka_id FROM akma_ka_revoked"
#    define TIMEOUT_MS 10000 /* for a connection, and for the whole table */
#    define PAUSE_MS   300   /* between two readings */

static struct postgresql_address address_of(const struct ka_revoked_place *place)
{
    return (struct postgresql_address){
        .uri = place->where, .password_file = place->password_file, .program = "e2e-as"};
}

/* Read once */

bool ka_revoked_check(const char *where, char fault[KA_REVOKED_FAULT_SIZE])
{
    char why[POSTGRESQL_FAULT_SIZE];

    return postgresql_check(where, why) || set_fault(fault, why);
}

/* Wait until an answer is complete; false: it does not come. */
static bool wait_for_answer(PGconn *connection)
{
    const int64_t deadline = clock_ms() + TIMEOUT_MS;
    struct pollfd socket = {.fd = PQsocket(connection), .events = POLLIN};

    while (PQisBusy(connection)) {
        const int64_t left = deadline - clock_ms();

        if (left <= 0 || poll(&socket, 1, (int)left) < 0 || PQconsumeInput(connection) == 0)
            return false;
    }
    return true;
}

static size_t length_of(const PGresult *rows, int row)
{
    return (size_t)PQgetlength(rows, row, 0) + (size_t)PQgetlength(rows, row, 1) + 2;
}

/* Turn the rows into the text of such a file, so that the same rules apply. */
static struct ka_revoked *parse_rows(const PGresult *rows, char fault[KA_REVOKED_FAULT_SIZE])
{
    static const char header[] = "device,ka-id\n";
    size_t size = sizeof(header), used = sizeof(header) - 1;
    struct ka_revoked *list = NULL;
    char *text;

    for (int row = 0; row < PQntuples(rows); row++)
        size += length_of(rows, row);
    text = OPENSSL_malloc(size);
    if (text == NULL) {
        (void)set_fault(fault, "out of memory");
        return NULL;
    }
    memcpy(text, header, sizeof(header));
    for (int row = 0; row < PQntuples(rows); row++)
        used += (size_t)snprintf(text + used, size - used, "%s,%s\n", PQgetvalue(rows, row, 0),
                                 PQgetvalue(rows, row, 1));
    list = ka_revoked_parse("the table akma_ka_revoked", text, used, fault);
    OPENSSL_free(text);
    return list;
}

/* The list in the answer to ROWS; rows NULL: no answer came. NULL: fault. */
static struct ka_revoked *list_of(const PGresult *rows, char fault[KA_REVOKED_FAULT_SIZE])
{
    char why[POSTGRESQL_FAULT_SIZE];

    if (PQresultStatus(rows) == PGRES_TUPLES_OK)
        return parse_rows(rows, fault);
    postgresql_say(why, rows != NULL ? PQresultErrorMessage(rows) : "the database does not answer");
    (void)set_fault(fault, why);
    return NULL;
}

static struct ka_revoked *query_rows(PGconn *connection, char fault[KA_REVOKED_FAULT_SIZE])
{
    PGresult *rows = NULL;
    struct ka_revoked *list;

    if (PQsendQuery(connection, ROWS) != 0 && wait_for_answer(connection))
        rows = PQgetResult(connection);
    list = list_of(rows, fault);
    PQclear(rows);
    return list;
}

struct ka_revoked *ka_revoked_query(const struct ka_revoked_place *place,
                                    char fault[KA_REVOKED_FAULT_SIZE])
{
    const struct postgresql_address address = address_of(place);
    char why[POSTGRESQL_FAULT_SIZE];
    PGconn *connection = postgresql_connect(&address, why);
    struct ka_revoked *list = NULL;

    if (connection == NULL)
        (void)set_fault(fault, why);
    else
        list = query_rows(connection, fault);
    PQfinish(connection);
    return list;
}
/* Read again as soon as it changes */

static const struct pg_statement revoked = {"akma_revoked", ROWS};
static const struct pg_statement *const statements[] = {&revoked, NULL};

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
static void log_failure(struct ka_revoked_watch *watch, const char *reason)
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
    list = list_of(rows, why);
    if (list == NULL) {
        if (!watch->has_failed)
            log_failure(watch, why);
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
    watch->is_reading = pg_client_send(watch->client, &revoked, 0, NULL, on_rows, watch);
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
        log_failure(argument, why);
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
        .address = address_of(place),
        .channel = "akma_ka_revoked",
        .statements = statements,
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
static const char absent[] = "postgresql: was left out of this build, which had no libpq";

bool ka_revoked_check(const char *where, char fault[KA_REVOKED_FAULT_SIZE])
{
    (void)where;
    return set_fault(fault, absent);
}

struct ka_revoked *ka_revoked_query(const struct ka_revoked_place *place,
                                    char fault[KA_REVOKED_FAULT_SIZE])
{
    (void)place;
    (void)set_fault(fault, absent);
    return NULL;
}

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
