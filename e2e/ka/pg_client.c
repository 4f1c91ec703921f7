/*
 * A client of PostgreSQL on an event loop: prepared statements in pipeline mode, and LISTEN
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/pg_client.h"

#include "net/clock.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS     100
#define IDLE_MS     2000 /* without a word, before the server is asked for one */
#define BACKOFF_MIN 100  /* ms between two attempts, doubled each time */
#define BACKOFF_MAX 1000

enum pg_state {
    PG_WAITING, /* for the next attempt to connect */
    PG_CONNECTING,
    PG_PREPARING, /* LISTEN and PREPARE are sent */
    PG_READY
};

/* What was sent, until its synchronisation point has come back. */
struct flight {
    TAILQ_ENTRY(flight) next;
    int64_t sent;
    pg_done *done; /* NULL: it was called already */
    void *argument;
};

struct pg_client {
    struct loop *loop;
    const struct pg_client_setup *setup;
    enum pg_state state;
    PGconn *connection; /* NULL: PG_WAITING */
    struct event *io, *tick;
    TAILQ_HEAD(, flight) flights; /* in the order of sending */
    size_t preparing;             /* how many must be answered before it is ready */
    int64_t began, heard, again;  /* clock_ms() */
    int64_t backoff;
    unsigned int turn;                  /* which host the next attempt tries first */
    char reason[POSTGRESQL_FAULT_SIZE]; /* why there is no connection */
    char broken[POSTGRESQL_FAULT_SIZE]; /* why this one is unusable; empty: it is usable */
};

static void give_up(struct pg_client *client, const char *message)
{
    if (client->broken[0] == '\0')
        postgresql_say(client->broken, message[0] == '\0' ? "the connection was lost" : message);
}

static void drop_io(struct pg_client *client)
{
    if (client->io != NULL)
        event_free(client->io);
    client->io = NULL;
}

/* End everything that was sent and is not answered. */
static void lose_flights(struct pg_client *client)
{
    struct flight *flight;

    while ((flight = TAILQ_FIRST(&client->flights)) != NULL) {
        TAILQ_REMOVE(&client->flights, flight, next);
        if (flight->done != NULL)
            flight->done(flight->argument, NULL, client->reason);
        OPENSSL_free(flight);
    }
}

static void disconnect(struct pg_client *client)
{
    client->setup->down(client->setup->argument, client->broken,
                        strcmp(client->reason, client->broken) != 0);
    memcpy(client->reason, client->broken, sizeof(client->reason));
    client->broken[0] = '\0';
    drop_io(client);
    PQfinish(client->connection);
    client->connection = NULL;
    client->again = clock_ms() + client->backoff;
    client->backoff = client->backoff * 2 < BACKOFF_MAX ? client->backoff * 2 : BACKOFF_MAX;
    client->state = PG_WAITING;
    lose_flights(client);
}

static void on_io(evutil_socket_t fd, short what, void *argument);

/* Wait for the socket, which may be another one than before. */
static void wait_for(struct pg_client *client, short what)
{
    const int fd = PQsocket(client->connection);

    if (client->io != NULL && event_get_fd(client->io) == fd &&
        event_get_events(client->io) == (short)(what | EV_PERSIST))
        return;
    drop_io(client);
    client->io = event_new(client->loop->base, fd, (short)(what | EV_PERSIST), on_io, client);
    if (client->io == NULL || event_add(client->io, NULL) != 0)
        give_up(client, "out of memory");
}

static void flush(struct pg_client *client)
{
    const int left = PQflush(client->connection);

    if (left < 0)
        give_up(client, PQerrorMessage(client->connection));
    else
        wait_for(client, left > 0 ? EV_READ | EV_WRITE : EV_READ);
}

/* End what was just sent with a synchronisation point, and queue its flight. */
static bool close_flight(struct pg_client *client, bool sent, pg_done *done, void *argument)
{
    struct flight *flight = OPENSSL_zalloc(sizeof(*flight));

    if (flight == NULL || !sent || PQpipelineSync(client->connection) == 0) {
        give_up(client, flight == NULL ? "out of memory" : PQerrorMessage(client->connection));
        OPENSSL_free(flight);
        return false;
    }
    flight->sent = clock_ms();
    flight->done = done;
    flight->argument = argument;
    TAILQ_INSERT_TAIL(&client->flights, flight, next);
    flush(client);
    return true;
}

bool pg_client_send(struct pg_client *client, const struct pg_statement *statement, int count,
                    const char *const *texts, pg_done *done, void *argument)
{
    return client->state == PG_READY && client->broken[0] == '\0' &&
           close_flight(client,
                        PQsendQueryPrepared(client->connection, statement->name, count, texts, NULL,
                                            NULL, 1) != 0,
                        done, argument);
}

static void become_ready(struct pg_client *client)
{
    client->state = PG_READY;
    client->backoff = BACKOFF_MIN;
    client->turn--; /* if the connection is lost, try the same host first */
    client->reason[0] = '\0';
    client->setup->ready(client->setup->argument);
}

static void on_prepared(void *argument, const PGresult *result, const char *reason)
{
    struct pg_client *client = argument;

    (void)reason;
    if (result == NULL)
        return;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up(client, PQresultErrorMessage(result));
    else if (--client->preparing == 0)
        become_ready(client);
}

static void prepare(struct pg_client *client)
{
    const struct pg_client_setup *setup = client->setup;
    char listen[64];
    bool sent;

    client->state = PG_PREPARING;
    client->preparing = 1;
    if (PQsetnonblocking(client->connection, 1) != 0 ||
        PQenterPipelineMode(client->connection) == 0) {
        give_up(client, PQerrorMessage(client->connection));
        return;
    }
    (void)snprintf(listen, sizeof(listen), "LISTEN %s", setup->channel);
    sent = close_flight(
        client, PQsendQueryParams(client->connection, listen, 0, NULL, NULL, NULL, NULL, 1) != 0,
        on_prepared, client);
    for (size_t i = 0; sent && setup->statements[i] != NULL; i++) {
        const struct pg_statement *statement = setup->statements[i];

        client->preparing++;
        sent = close_flight(
            client,
            PQsendPrepare(client->connection, statement->name, statement->sql, 0, NULL) != 0,
            on_prepared, client);
    }
}

static void go_on_connecting(struct pg_client *client)
{
    switch (PQconnectPoll(client->connection)) {
    case PGRES_POLLING_READING:
        drop_io(client); /* another socket may have the same number */
        wait_for(client, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        drop_io(client);
        wait_for(client, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        prepare(client);
        break;
    default:
        give_up(client, PQerrorMessage(client->connection));
    }
}

static void connect_now(struct pg_client *client)
{
    struct postgresql_address address = client->setup->address;

    address.turn = client->turn++;
    client->began = client->heard = clock_ms();
    client->connection = postgresql_start(&address, client->broken);
    client->state = PG_CONNECTING;
    if (client->connection == NULL)
        return;
    if (PQstatus(client->connection) == CONNECTION_BAD)
        give_up(client, PQerrorMessage(client->connection));
    else
        wait_for(client, EV_WRITE);
}

static void take_notifications(struct pg_client *client)
{
    PGnotify *notify;
    bool has_any = false;

    while ((notify = PQnotifies(client->connection)) != NULL) {
        client->setup->notified(client->setup->argument, notify->extra);
        PQfreemem(notify);
        has_any = true;
    }
    if (has_any)
        client->setup->settle(client->setup->argument);
}

/* The server's last word, such as at its shutdown, is no statement's result. */
static bool ends_connection(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* A result belongs to the oldest flight; a synchronisation point ends that flight. */
static void take_result(struct pg_client *client, const PGresult *result)
{
    struct flight *flight = TAILQ_FIRST(&client->flights);
    pg_done *done = flight == NULL ? NULL : flight->done;

    if (ends_connection(result)) {
        give_up(client, PQresultErrorMessage(result));
        return;
    }
    if (flight == NULL)
        return;
    flight->done = NULL;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        void *given = flight->argument;

        TAILQ_REMOVE(&client->flights, flight, next);
        OPENSSL_free(flight);
        if (done != NULL)
            done(given, NULL, "the database gave no result");
    } else if (done != NULL) {
        done(flight->argument, result, NULL);
    }
}

/* A NULL result ends one statement; two in a row mean that nothing is left to read. */
static void take_results(struct pg_client *client)
{
    unsigned int ends = 0;

    while (ends < 2 && client->broken[0] == '\0') {
        PGresult *result;

        if (PQisBusy(client->connection) != 0)
            break;
        take_notifications(client);
        result = PQgetResult(client->connection);
        ends = result == NULL ? ends + 1 : 0;
        if (result != NULL)
            take_result(client, result);
        PQclear(result);
    }
    take_notifications(client);
}

static bool is_on(const struct pg_client *client, const char *parameter)
{
    const char *value = PQparameterStatus(client->connection, parameter);

    return value != NULL && strcmp(value, "on") == 0;
}

/* The server reports a change of these parameters at once. */
static void check_writable(struct pg_client *client)
{
    if (is_on(client, "in_hot_standby") || is_on(client, "default_transaction_read_only"))
        give_up(client, "the database is read-only: a standby, or failing over");
}

static void on_io(evutil_socket_t fd, short what, void *argument)
{
    struct pg_client *client = argument;

    (void)fd, (void)what;
    if (client->state == PG_CONNECTING) {
        go_on_connecting(client);
    } else {
        client->heard = clock_ms();
        if (PQconsumeInput(client->connection) == 0)
            give_up(client, PQerrorMessage(client->connection));
        take_results(client);
        check_writable(client);
        if (client->broken[0] == '\0')
            flush(client);
    }
    if (client->broken[0] != '\0')
        disconnect(client);
}

static void on_word(void *argument, const PGresult *result, const char *reason)
{
    (void)argument, (void)result, (void)reason; /* what counts is that it came */
}

/* Give up what takes too long; if the connection was idle for long, send a question. */
static void watch(struct pg_client *client)
{
    const struct flight *oldest = TAILQ_FIRST(&client->flights);
    const int64_t now = clock_ms(), late = now - client->setup->milliseconds;

    if (client->state == PG_CONNECTING && client->began < late)
        give_up(client, "no connection in time");
    else if (oldest != NULL && oldest->sent < late)
        give_up(client, "the database does not answer");
    else if (client->state == PG_READY && oldest == NULL && client->heard < now - IDLE_MS)
        (void)close_flight(
            client,
            PQsendQueryParams(client->connection, "SELECT 1", 0, NULL, NULL, NULL, NULL, 1) != 0,
            on_word, client);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct pg_client *client = argument;

    (void)fd, (void)what;
    if (client->state == PG_WAITING) {
        if (clock_ms() >= client->again)
            connect_now(client);
    } else {
        watch(client);
    }
    if (client->broken[0] != '\0')
        disconnect(client);
    client->setup->tick(client->setup->argument);
}

struct pg_client *pg_client_new(struct loop *loop, const struct pg_client_setup *setup)
{
    static const struct timeval often = {.tv_usec = TICK_MS * 1000L};
    struct pg_client *client = OPENSSL_zalloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->loop = loop;
    client->setup = setup;
    client->backoff = BACKOFF_MIN;
    TAILQ_INIT(&client->flights);
    (void)snprintf(client->reason, sizeof(client->reason), "no connection so far");
    client->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, client);
    if (client->tick != NULL && event_add(client->tick, &often) == 0) {
        event_active(client->tick, EV_TIMEOUT, 0);
        return client;
    }
    pg_client_free(client);
    return NULL;
}

bool pg_client_is_ready(const struct pg_client *client)
{
    return client->state == PG_READY && client->broken[0] == '\0';
}

const char *pg_client_reason(const struct pg_client *client)
{
    return client->reason;
}

void pg_client_free(struct pg_client *client)
{
    struct flight *flight;

    if (client == NULL)
        return;
    if (client->tick != NULL)
        event_free(client->tick);
    drop_io(client);
    PQfinish(client->connection);
    while ((flight = TAILQ_FIRST(&client->flights)) != NULL) {
        TAILQ_REMOVE(&client->flights, flight, next);
        OPENSSL_free(flight);
    }
    OPENSSL_free(client);
}
