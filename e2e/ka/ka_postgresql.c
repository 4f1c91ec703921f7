/*
 * Ka's in PostgreSQL: sealed rows of the table akma_ka (examples/postgresql)
 *
 * It has its own thread and loop, because libpq blocks while it resolves names. Look-ups are posted
 * there, and answers to the loop that asked. At most IN_FLIGHT look-ups are sent to the database;
 * others wait for their turn, or for a connection, until their time is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_postgresql.h"

#include "ka/ka_leases.h"
#include "ka/ka_used_rows.h"
#include "ka/pg_client.h"
#include "ka_row.h"
#include "net/clock.h"
#include "ops/health.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "options.h"
#include "printable.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ROWS_DEFAULT "262144"
#define ROWS_TOP     16777216
#define IN_FLIGHT    64    /* look-ups */
#define LOOKUPS_MAX  16384 /* that wait, or are with the database */
#define BATCH        500   /* rows that are checked again at a time */
#define CHANGES      1024  /* that are told at a time */
#define BURST        65536 /* changes at once, above which everything is revoked */
#define DRAIN        1000  /* of them are forgotten with each tick */
#define ASKER_MS     250   /* after --ka-timeout, for a thread that does not even refuse */
#define CHANNEL      "akma_ka"

enum { NEWEST, NAMED, LOOK_AGAIN, STATEMENTS };

static const struct pg_statement statements[STATEMENTS] = {
    [NEWEST] = {"SELECT version, ka_id, sealed FROM akma_ka WHERE device = $1::text "
                "ORDER BY version DESC LIMIT 1"},
    [NAMED] = {"SELECT version, ka_id, sealed FROM akma_ka WHERE device = $1::text "
               "AND ka_id = $2::text"},
    /* a subquery for each row: never a scan of the table */
    [LOOK_AGAIN] = {"SELECT r.device, r.ka_id FROM unnest($1::text[], $2::text[], $3::bigint[]) "
                    "AS r(device, ka_id, version) WHERE r.version IS DISTINCT FROM "
                    "(SELECT k.version FROM akma_ka k "
                    "WHERE k.device = r.device AND k.ka_id = r.ka_id)"},
};

struct database;

/* A look-up. The requester owns done, on its loop; all the rest is this thread's until it is
 * answered.
 */
struct ka_request {
    struct loop_message message;
    TAILQ_ENTRY(ka_request) next;
    struct database *database;
    struct loop *asker;
    ka_done *done; /* NULL: nobody waits any more */
    void *argument;
    struct event *limit; /* on its loop: this thread may hang, in a resolver; NULL: it is over */
    int64_t deadline;    /* clock_ms() */
    int64_t asked_at;    /* clock_us() */
    struct flying *flying;
    bool has_ka_id;
    char device[KA_TEXT_SIZE], ka_id[KA_TEXT_SIZE];
    struct ka_answer answer;
};

TAILQ_HEAD(requests, ka_request);

/* One that the database has been asked. */
struct flying {
    LIST_ENTRY(flying) next;
    struct database *database;
    struct ka_request *request; /* NULL: its time was over */
};

struct database {
    struct ka_source source;
    struct pg_client_setup setup;
    int64_t milliseconds; /* --ka-timeout */
    struct loops *loops;  /* one */
    struct loop *loop;
    bool runs;
    atomic_size_t lookups; /* asked and not answered */
    struct ka_leases leases;
    /* this thread's */
    struct pg_client *client;
    struct seal_keys *keys;
    struct requests waiting, asked;
    LIST_HEAD(, flying) flying;
    size_t in_flight;
    struct ka_change changes[CHANGES]; /* what was notified, until it is told */
    char *texts[CHANGES];
    size_t change_count, burst;
    bool is_flooded;
    struct ka_used_rows *used_rows;
    ka_changed *changed;
    void *argument;
};

/* What --ka-key holds, on its way to the thread. */
struct ka_files {
    struct loop_message message;
    struct database *database;
    struct seal_keys *keys;
};

/* Answers */

static void release(struct ka_source *source, struct ka_answer *answer)
{
    ka_leases_release(&((struct database *)source)->leases, answer);
}

static void request_free(struct ka_request *request)
{
    if (request->limit != NULL)
        event_free(request->limit);
    OPENSSL_free(request);
}

/* On the loop that asked. */
static void deliver(struct loop *loop, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;
    struct database *database = request->database;

    (void)loop;
    atomic_fetch_sub(&database->lookups, 1);
    if (request->done != NULL) {
        metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
        request->done(request->argument, &request->answer);
    } else {
        release(&database->source, &request->answer);
    }
    request_free(request);
}

/* The answer still comes, and deliver() releases it. */
static void leave(struct ka_request *request)
{
    request->done = NULL;
    event_free(request->limit);
    request->limit = NULL;
}

/* On the loop that asked. */
static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct ka_request *request = argument;
    ka_done *done = request->done;
    void *its = request->argument;
    struct ka_answer answer;

    (void)fd, (void)what;
    metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
    leave(request);
    ka_answer_set(&answer, KA_UNAVAILABLE, "Ka's database: no answer in time");
    done(its, &answer);
}

static void send_answer(struct ka_request *request)
{
    request->message.run = deliver;
    loop_post(request->asker, &request->message);
}

static void refuse(struct ka_request *request, const char *what, const char *why)
{
    char reason[KA_REASON_SIZE];

    (void)snprintf(reason, sizeof(reason), "Ka's database: %s%.220s", what, why);
    ka_answer_set(&request->answer, KA_UNAVAILABLE, reason);
    send_answer(request);
}

/* What is gone, for the keys that depend on it */

/* A change that could not be reported stays remembered, and is found after the next connection. */
static void report_gone(struct database *database, const struct ka_change *changes, size_t count)
{
    bool done;

    for (size_t i = 0; i < count; i++)
        ka_leases_end(&database->leases, &changes[i]);
    done = database->changed(database->argument, changes, count);
    for (size_t i = 0; done && i < count; i++) /* now: the texts may be its own */
        if (changes[i].device != NULL)
            ka_used_rows_remove(database->used_rows, changes[i].device, changes[i].ka_id);
        else
            ka_used_rows_clear(database->used_rows);
}

static void tell_all(struct database *database, const char *reason)
{
    static const struct ka_change everything = {NULL, NULL};

    log_event("revocations-missed", "reason", reason, NULL);
    report_gone(database, &everything, 1);
}

/* Report all notified rows together, because each report takes memory. */
static void on_settle(void *argument)
{
    struct database *database = argument;

    if (database->change_count > 0)
        report_gone(database, database->changes, database->change_count);
    for (size_t i = 0; i < database->change_count; i++)
        OPENSSL_free(database->texts[i]);
    database->change_count = 0;
}

/* "<device>\n<ka-id>", to be told. False: it is not that, or memory is out. */
static bool collect(struct database *database, const char *payload)
{
    char *text = strchr(payload, '\n') == NULL ? NULL : OPENSSL_strdup(payload);
    char *end;

    if (text == NULL)
        return false;
    end = strchr(text, '\n');
    *end = '\0';
    if (database->change_count == CHANGES)
        on_settle(database);
    database->texts[database->change_count] = text;
    database->changes[database->change_count++] = (struct ka_change){text, end + 1};
    return true;
}

/* Without names it is everything: the table was emptied. */
static void on_notified(void *argument, const char *payload)
{
    struct database *database = argument;

    if (database->burst == BURST) {
        database->is_flooded = true; /* until the next tick */
        return;
    }
    database->burst++;
    if (!collect(database, payload))
        tell_all(database,
                 "the database does not say which rows have changed: all keys are revoked");
}

static void drain_burst(struct database *database)
{
    if (database->is_flooded)
        tell_all(database, "too many rows have changed at once: all keys are revoked");
    database->is_flooded = false;
    database->burst -= database->burst < DRAIN ? database->burst : DRAIN;
}

/* Rows */

/* A bigint in binary, big endian. */
static int64_t version_of(const PGresult *result)
{
    const unsigned char *octets = (const unsigned char *)PQgetvalue(result, 0, 0);
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value = value << 8 | octets[i];
    return (int64_t)value;
}

static bool is_row(const PGresult *result)
{
    const int ka_id = PQgetlength(result, 0, 1);

    return PQnfields(result) == 3 && PQgetlength(result, 0, 0) == 8 && ka_id < KA_TEXT_SIZE &&
           !PQgetisnull(result, 0, 1) &&
           (ka_id == 0 || row_is_text(PQgetvalue(result, 0, 1), (size_t)ka_id));
}

/* Remember the row that the answer depends on. NULL, or why there is no answer. */
static const char *use_row(struct database *database, const struct ka_request *request,
                           int64_t version)
{
    const struct ka_used_row row = {request->device, request->answer.ka_id, version};
    bool replaced;

    if (!ka_used_rows_add(database->used_rows, &row, clock_ms(), &replaced))
        return "out of memory";
    if (!replaced)
        return NULL;
    report_gone(database, &(struct ka_change){row.device, row.ka_id}, 1);
    return "the row was replaced a moment ago";
}

/* The row becomes the answer. NULL, or why it does not. */
static const char *take_row(struct database *database, struct ka_request *request,
                            const PGresult *result)
{
    struct ka_answer *answer = &request->answer;
    const size_t length = is_row(result) ? (size_t)PQgetlength(result, 0, 2) : 0;
    const char *ka_id = PQgetvalue(result, 0, 1), *wrong;
    unsigned char *ka;

    if (length == 0)
        return "the row is damaged: it has no sealed Ka";
    if (!ka_leases_give(&database->leases, request->device, ka_id, length, &ka, answer))
        return "out of memory";
    wrong = ka_row_open(database->keys, request->device, ka_id,
                        (const unsigned char *)PQgetvalue(result, 0, 2), length, ka,
                        &answer->ka_length);
    if (wrong == NULL)
        wrong = use_row(database, request, version_of(result));
    if (wrong != NULL)
        ka_leases_release(&database->leases, answer);
    return wrong;
}

static void take_answer(struct database *database, struct ka_request *request,
                        const PGresult *result)
{
    char said[POSTGRESQL_FAULT_SIZE];
    const char *wrong;

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        postgresql_say(said, PQresultErrorMessage(result));
        refuse(request, "", said);
        return;
    }
    if (PQntuples(result) == 0) {
        ka_answer_set(&request->answer, KA_NONE, NULL);
        send_answer(request);
        return;
    }
    wrong = take_row(database, request, result);
    if (wrong != NULL)
        refuse(request, "", wrong);
    else
        send_answer(request);
}

/* Look-ups */

static void pump(struct database *database);

static void on_answer(void *argument, const PGresult *result, const char *reason)
{
    struct flying *flying = argument;
    struct database *database = flying->database;
    struct ka_request *request = flying->request;

    (void)reason;
    LIST_REMOVE(flying, next);
    OPENSSL_free(flying);
    database->in_flight--;
    if (request != NULL) {
        TAILQ_REMOVE(&database->asked, request, next);
        request->flying = NULL;
    }
    if (request != NULL && result == NULL)
        TAILQ_INSERT_HEAD(&database->waiting, request, next); /* for the next connection */
    else if (request != NULL)
        take_answer(database, request, result);
    pump(database);
}

/* False: it cannot be sent now. */
static bool send_request(struct database *database, struct ka_request *request)
{
    const char *const texts[] = {request->device, request->ka_id};
    struct flying *flying = OPENSSL_zalloc(sizeof(*flying));

    if (flying == NULL)
        return false;
    flying->database = database;
    flying->request = request;
    if (!pg_client_send(database->client, &statements[request->has_ka_id ? NAMED : NEWEST],
                        request->has_ka_id ? 2 : 1, texts, on_answer, flying)) {
        OPENSSL_free(flying);
        return false;
    }
    request->flying = flying;
    LIST_INSERT_HEAD(&database->flying, flying, next);
    TAILQ_REMOVE(&database->waiting, request, next);
    TAILQ_INSERT_TAIL(&database->asked, request, next);
    database->in_flight++;
    return true;
}

static void pump(struct database *database)
{
    while (database->in_flight < IN_FLIGHT && !TAILQ_EMPTY(&database->waiting) &&
           pg_client_is_ready(database->client) &&
           send_request(database, TAILQ_FIRST(&database->waiting)))
        continue;
}

static void end_late(struct database *database, struct requests *requests, int64_t now)
{
    struct ka_request *request, *next;

    for (request = TAILQ_FIRST(requests); request != NULL; request = next) {
        next = TAILQ_NEXT(request, next);
        if (request->deadline > now)
            continue;
        TAILQ_REMOVE(requests, request, next);
        if (request->flying != NULL)
            request->flying->request = NULL;
        if (pg_client_is_ready(database->client))
            refuse(request, "no answer in time", "");
        else
            refuse(request, "", pg_client_reason(database->client));
    }
}

static void on_tick(void *argument)
{
    struct database *database = argument;
    const int64_t now = clock_ms();

    drain_burst(database);
    end_late(database, &database->asked, now);
    end_late(database, &database->waiting, now);
    pump(database);
}

/* After a connection was made again */

static void look_again(struct database *database);

static void on_looked_again(void *argument, const PGresult *result, const char *reason)
{
    struct database *database = argument;
    const int count = result == NULL ? 0 : PQntuples(result);
    struct ka_change changes[BATCH];

    (void)reason;
    if (result == NULL)
        return; /* all of it again, with the next connection */
    if (PQresultStatus(result) != PGRES_TUPLES_OK || count > BATCH) {
        tell_all(database, "the database cannot say which rows have changed: all keys are revoked");
        return;
    }
    for (int i = 0; i < count; i++)
        changes[i] = (struct ka_change){PQgetvalue(result, i, 0), PQgetvalue(result, i, 1)};
    if (count > 0)
        report_gone(database, changes, (size_t)count);
    look_again(database);
}

/* An array in PostgreSQL's syntax, with quotes and backslashes escaped. */
struct array {
    char *text;
    size_t length, size;
};

static void array_put(struct array *array, const char *octets, size_t length)
{
    if (array->text == NULL || array->size - array->length <= length)
        return;
    memcpy(array->text + array->length, octets, length);
    array->length += length;
    array->text[array->length] = '\0';
}

static void array_add(struct array *array, const char *text)
{
    array_put(array, array->length == 0 ? "{\"" : ",\"", 2);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            array_put(array, "\\", 1);
        array_put(array, text, 1);
    }
    array_put(array, "\"", 1);
}

static void array_open(struct array *array)
{
    array->length = 0;
    array->size = (size_t)BATCH * (2 * KA_TEXT_SIZE + 4) + 4;
    array->text = OPENSSL_malloc(array->size);
}

static bool ask_again(struct database *database, const struct ka_used_row *rows, size_t count)
{
    struct array arrays[3];
    const char *texts[3];
    char version[32];
    bool done = true;

    for (size_t i = 0; i < 3; i++)
        array_open(&arrays[i]);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(version, sizeof(version), "%lld", (long long)rows[i].version);
        array_add(&arrays[0], rows[i].device);
        array_add(&arrays[1], rows[i].ka_id);
        array_add(&arrays[2], version);
    }
    for (size_t i = 0; i < 3; i++) {
        array_put(&arrays[i], "}", 1);
        texts[i] = arrays[i].text;
        done = done && texts[i] != NULL;
    }
    done = done && pg_client_send(database->client, &statements[LOOK_AGAIN], 3, texts,
                                  on_looked_again, database);
    for (size_t i = 0; i < 3; i++)
        OPENSSL_free(arrays[i].text);
    return done;
}

/* The next batch. If it cannot be sent, its rows are revoked, because their state is unknown. */
static void look_again(struct database *database)
{
    struct ka_used_row rows[BATCH];
    const size_t count = ka_used_rows_next(database->used_rows, rows, BATCH);

    if (count > 0 && !ask_again(database, rows, count) && pg_client_is_ready(database->client))
        tell_all(database, "out of memory: all keys are revoked");
}

static void on_down(void *argument, const char *reason, bool is_new)
{
    (void)argument;
    if (is_new)
        log_event("ka-down", "reason", reason, NULL);
    health_down(HEALTH_KA, NULL, reason);
}

static void on_ready(void *argument)
{
    struct database *database = argument;

    log_event("ka-up", NULL);
    health_up(HEALTH_KA, NULL);
    if (ka_used_rows_has_forgotten(database->used_rows, clock_ms()))
        tell_all(database, "more rows than are remembered may have changed: all keys are revoked");
    ka_used_rows_begin(database->used_rows);
    look_again(database);
    pump(database);
}

/* The interface */

static bool start(struct ka_source *source, ka_changed *changed, void *argument)
{
    struct database *database = (struct database *)source;

    database->changed = changed;
    database->argument = argument;
    database->client = pg_client_new(database->loop, &database->setup);
    database->runs = database->client != NULL && loops_start(database->loops);
    return database->runs;
}

/* A request arrives at the database's thread. */
static void on_request(struct loop *loop, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;
    struct database *database = request->database;

    (void)loop;
    TAILQ_INSERT_TAIL(&database->waiting, request, next);
    if (database->client != NULL)
        pump(database);
}

static struct ka_request *request_new(struct database *database, struct loop *loop,
                                      const struct ka_query *query)
{
    const char *device = query->device[0] == '\0' ? query->identity : query->device;
    struct ka_request *request = OPENSSL_zalloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    request->limit = evtimer_new(loop->base, on_limit, request);
    if (request->limit == NULL) {
        OPENSSL_free(request);
        return NULL;
    }
    request->message.run = on_request;
    request->database = database;
    request->asker = loop;
    request->deadline = clock_ms() + database->milliseconds;
    request->asked_at = clock_us();
    request->has_ka_id = query->ka_id != NULL;
    (void)OPENSSL_strlcpy(request->device, device, sizeof(request->device));
    (void)OPENSSL_strlcpy(request->ka_id, request->has_ka_id ? query->ka_id : "",
                          sizeof(request->ka_id));
    return request;
}

static struct ka_request *lookup(struct ka_source *source, struct loop *loop,
                                 const struct ka_query *query, ka_done *done, void *argument,
                                 struct ka_answer *now)
{
    struct database *database = (struct database *)source;
    const int64_t patience = database->milliseconds + ASKER_MS;
    const struct timeval limit = {.tv_sec = (time_t)(patience / 1000),
                                  .tv_usec = (suseconds_t)(patience % 1000) * 1000};
    struct ka_request *request;

    if (atomic_fetch_add(&database->lookups, 1) >= LOOKUPS_MAX ||
        (request = request_new(database, loop, query)) == NULL) {
        const bool is_full = atomic_fetch_sub(&database->lookups, 1) > LOOKUPS_MAX;

        ka_answer_set(now, KA_UNAVAILABLE,
                      is_full ? "Ka's database: too many look-ups wait" : "out of memory");
        return NULL;
    }
    request->done = done;
    request->argument = argument;
    loop_add_event(request->limit, &limit);
    loop_post(database->loop, &request->message);
    return request;
}

static void cancel(struct ka_source *source, struct ka_request *request)
{
    (void)source;
    leave(request);
}

static bool is_good(struct ka_source *source, const struct ka_answer *answer, const char *identity)
{
    (void)identity;
    return ka_leases_is_good(&((struct database *)source)->leases, answer);
}

static void drop_requests(struct requests *requests)
{
    struct ka_request *request;

    while ((request = TAILQ_FIRST(requests)) != NULL) {
        TAILQ_REMOVE(requests, request, next);
        request_free(request);
    }
}

static void drop_flying(struct database *database)
{
    struct flying *flying;

    while ((flying = LIST_FIRST(&database->flying)) != NULL) {
        LIST_REMOVE(flying, next);
        OPENSSL_free(flying);
    }
}

static void stop(struct ka_source *source)
{
    struct database *database = (struct database *)source;

    if (database->runs)
        loops_stop(database->loops);
    pg_client_free(database->client);
    database->client = NULL;
    loops_free(database->loops);
    database->loops = NULL;
    drop_flying(database);
    drop_requests(&database->asked);
    drop_requests(&database->waiting);
}

static void database_free(struct ka_source *source)
{
    struct database *database = (struct database *)source;

    ka_leases_close(&database->leases);
    ka_used_rows_free(database->used_rows);
    seal_keys_free(database->keys);
    OPENSSL_free(database);
}

static const struct ka_source_ops database_ops = {start,   lookup, cancel,       is_good,
                                                  release, stop,   database_free};

/* The options */

static bool complain(const char *option, const char *path, const char *what,
                     char fault[KA_FAULT_SIZE])
{
    (void)snprintf(fault, KA_FAULT_SIZE, "--%s %s: %s", option, PRINTABLE_PATH(path), what);
    return false;
}

static size_t rows_of(const struct ka_settings *settings)
{
    const char *rows = settings->rows_max == NULL ? ROWS_DEFAULT : settings->rows_max;

    return options_number("ka-rows-max", rows, 1, ROWS_TOP);
}

bool ka_postgresql_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    char what[POSTGRESQL_FAULT_SIZE];

    (void)ka_timeout_ms(settings);
    (void)rows_of(settings);
    if (postgresql_check(settings->place, what))
        return true;
    (void)snprintf(fault, KA_FAULT_SIZE, "postgresql: %s", what);
    return false;
}

/* The password is read for each connection, so an unusable file is detected now. */
static bool has_password(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    char what[POSTGRESQL_FAULT_SIZE];

    return settings->password_file == NULL ||
           postgresql_password_is_there(settings->password_file, what) ||
           complain("ka-password-file", settings->password_file, what, fault);
}

static struct seal_keys *read_keys(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE];
    struct seal_keys *keys = seal_keys_read(settings->key, what);

    if (keys == NULL)
        (void)complain("ka-key", settings->key, what, fault);
    return keys;
}

struct ka_files *ka_postgresql_read(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct ka_files *files = OPENSSL_zalloc(sizeof(*files));

    (void)snprintf(fault, KA_FAULT_SIZE, "out of memory");
    if (files != NULL && has_password(settings, fault))
        files->keys = read_keys(settings, fault);
    if (files != NULL && files->keys != NULL)
        return files;
    OPENSSL_free(files);
    return NULL;
}

/* Are the keys readable, and does the database have the table and the rights? */
bool ka_postgresql_try(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    const struct postgresql_address address = {.uri = settings->place,
                                               .password_file = settings->password_file,
                                               .program = "e2e-as --check"};
    struct ka_files *files = ka_postgresql_read(settings, fault);
    char why[POSTGRESQL_FAULT_SIZE];
    PGconn *connection;
    bool done;

    if (files == NULL)
        return false;
    ka_postgresql_drop(files);
    connection = postgresql_connect(&address, why);
    done = connection != NULL;
    for (size_t i = 0; done && i < STATEMENTS; i++) {
        PGresult *result = PQprepare(connection, "", statements[i].sql, 0, NULL);

        done = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!done)
            postgresql_say(why, PQresultErrorMessage(result));
        PQclear(result);
    }
    PQfinish(connection);
    if (!done)
        (void)snprintf(fault, KA_FAULT_SIZE, "--ka-source postgresql: %s", why);
    return done;
}

void ka_postgresql_drop(struct ka_files *files)
{
    seal_keys_free(files->keys);
    OPENSSL_free(files);
}

static void use_files(struct loop *loop, struct loop_message *message)
{
    struct ka_files *files = (struct ka_files *)message;
    struct seal_keys *old = files->database->keys;

    (void)loop;
    files->database->keys = files->keys;
    files->keys = old;
    ka_postgresql_drop(files);
}

void ka_postgresql_use(struct ka_source *source, struct ka_files *files)
{
    files->database = (struct database *)source;
    files->message.run = use_files;
    loop_post(files->database->loop, &files->message);
}

static void set_up(struct database *database, const struct ka_settings *settings)
{
    database->source.ops = &database_ops;
    database->milliseconds = ka_timeout_ms(settings);
    database->setup = (struct pg_client_setup){
        .address = {.uri = settings->place,
                    .password_file = settings->password_file,
                    .program = "e2e-as"},
        .channel = CHANNEL,
        .statements = statements,
        .count = STATEMENTS,
        .milliseconds = (int)database->milliseconds,
        .ready = on_ready,
        .down = on_down,
        .notified = on_notified,
        .settle = on_settle,
        .tick = on_tick,
        .argument = database,
    };
    TAILQ_INIT(&database->waiting);
    TAILQ_INIT(&database->asked);
    LIST_INIT(&database->flying);
    ka_leases_open(&database->leases);
}

struct ka_source *ka_postgresql_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct ka_files *files = ka_postgresql_read(settings, fault);
    struct database *database = files == NULL ? NULL : OPENSSL_zalloc(sizeof(*database));

    if (database == NULL) {
        if (files != NULL) {
            (void)snprintf(fault, KA_FAULT_SIZE, "out of memory");
            ka_postgresql_drop(files);
        }
        return NULL;
    }
    health_use(HEALTH_KA);
    set_up(database, settings);
    database->keys = files->keys;
    files->keys = NULL;
    ka_postgresql_drop(files);
    database->loops = loops_new(1);
    database->used_rows = ka_used_rows_new(rows_of(settings), (int64_t)settings->life * 1000);
    if (database->loops != NULL && database->used_rows != NULL) {
        database->loop = &database->loops->loop[0];
        return &database->source;
    }
    (void)snprintf(fault, KA_FAULT_SIZE, "out of memory or descriptors");
    stop(&database->source);
    database_free(&database->source);
    return NULL;
}
