/*
 * Ka's in PostgreSQL: sealed rows of the table akma_ka (examples/postgresql)
 *
 * It has its own thread and loop, because libpq blocks while it resolves names. ka_lookups.h brings
 * look-ups there; ka_row_changes.h says what has changed since.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_postgresql.h"

#include "ka/ka_leases.h"
#include "ka/ka_lookups.h"
#include "ka/ka_row_changes.h"
#include "ka/pg_client.h"
#include "ka_row.h"
#include "ops/health.h"
#include "ops/log.h"
#include "options.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define ROWS_DEFAULT "262144"
#define ROWS_TOP     16777216
#define CHANNEL      "akma_ka"

static const struct pg_statement newest = {
    "akma_newest", "SELECT version, ka_id, sealed FROM akma_ka WHERE device = $1::text "
                   "ORDER BY version DESC LIMIT 1"};
static const struct pg_statement named = {
    "akma_named", "SELECT version, ka_id, sealed FROM akma_ka WHERE device = $1::text "
                  "AND ka_id = $2::text"};
static const struct pg_statement *const statements[] = {&newest, &named, &ka_row_changes_statement,
                                                        NULL};

struct database {
    struct ka_source source;
    struct pg_client_setup setup;
    struct loops *loops; /* one */
    bool runs;
    struct ka_leases leases;
    struct ka_lookups *lookups;
    /* the loop's */
    struct pg_client *client;
    struct seal_keys *keys;
    struct ka_row_changes *changes;
};

/* What --ka-key holds, on its way to the thread. */
struct ka_files {
    struct loop_message message;
    struct database *database;
    struct seal_keys *keys;
};

static struct database *database_of(struct ka_source *source)
{
    return (struct database *)source;
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

/* The row becomes the answer. NULL, or why it does not. */
static const char *read_row(struct ka_source *source, const char *device, const PGresult *result,
                            struct ka_answer *answer)
{
    struct database *database = database_of(source);
    const size_t length = is_row(result) ? (size_t)PQgetlength(result, 0, 2) : 0;
    const char *ka_id = PQgetvalue(result, 0, 1), *wrong;
    unsigned char *ka;

    if (length == 0)
        return "the row is damaged: it has no sealed Ka";
    if (!ka_leases_give(&database->leases, device, ka_id, length, &ka, answer))
        return "out of memory";
    wrong =
        ka_row_open(database->keys, device, ka_id, (const unsigned char *)PQgetvalue(result, 0, 2),
                    length, ka, &answer->ka_length);
    if (wrong == NULL)
        wrong = ka_row_changes_depend(
            database->changes, &(struct ka_used_row){device, answer->ka_id, version_of(result)});
    if (wrong != NULL)
        ka_leases_release(&database->leases, answer);
    return wrong;
}

/* The connection */

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
    ka_row_changes_check(database->changes, database->client);
    ka_lookups_send(database->lookups);
}

static void on_notified(void *argument, const char *payload)
{
    struct database *database = argument;

    ka_row_changes_notified(database->changes, payload);
}

static void on_settle(void *argument)
{
    struct database *database = argument;

    ka_row_changes_settle(database->changes);
}

static void on_tick(void *argument)
{
    struct database *database = argument;

    ka_row_changes_tick(database->changes);
    ka_lookups_tick(database->lookups);
}

/* The interface */

static bool start(struct ka_source *source, ka_changed *changed, void *argument)
{
    struct database *database = database_of(source);

    ka_row_changes_report_to(database->changes, changed, argument);
    database->client = pg_client_new(&database->loops->loop[0], &database->setup);
    ka_lookups_use(database->lookups, database->client);
    database->runs = database->client != NULL && loops_start(database->loops);
    return database->runs;
}

static struct ka_request *lookup(struct ka_source *source, struct loop *loop,
                                 const struct ka_query *query, ka_done *done, void *argument,
                                 struct ka_answer *now)
{
    return ka_lookups_ask(database_of(source)->lookups, loop, query, done, argument, now);
}

static void cancel(struct ka_source *source, struct ka_request *request)
{
    (void)source;
    ka_lookups_cancel(request);
}

static bool is_good(struct ka_source *source, const struct ka_answer *answer, const char *identity)
{
    (void)identity;
    return ka_leases_is_good(&database_of(source)->leases, answer);
}

static void release(struct ka_source *source, struct ka_answer *answer)
{
    ka_leases_release(&database_of(source)->leases, answer);
}

static void stop(struct ka_source *source)
{
    struct database *database = database_of(source);

    if (database->runs)
        loops_stop(database->loops);
    pg_client_free(database->client);
    database->client = NULL;
    ka_lookups_use(database->lookups, NULL);
    loops_free(database->loops);
    database->loops = NULL;
    ka_lookups_drop(database->lookups);
}

static void database_free(struct ka_source *source)
{
    struct database *database = database_of(source);

    ka_lookups_free(database->lookups);
    ka_row_changes_free(database->changes);
    ka_leases_close(&database->leases);
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
    for (size_t i = 0; done && statements[i] != NULL; i++) {
        PGresult *result = PQprepare(connection, "", statements[i]->sql, 0, NULL);

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
    files->database = database_of(source);
    files->message.run = use_files;
    loop_post(&files->database->loops->loop[0], &files->message);
}

static bool set_up(struct database *database, const struct ka_settings *settings)
{
    const int64_t timeout_ms = ka_timeout_ms(settings);

    database->setup = (struct pg_client_setup){
        .address = {.uri = settings->place,
                    .password_file = settings->password_file,
                    .program = "e2e-as"},
        .channel = CHANNEL,
        .statements = statements,
        .milliseconds = (int)timeout_ms,
        .ready = on_ready,
        .down = on_down,
        .notified = on_notified,
        .settle = on_settle,
        .tick = on_tick,
        .argument = database,
    };
    database->loops = loops_new(1);
    if (database->loops == NULL)
        return false;
    database->lookups = ka_lookups_new(&(struct ka_lookups_setup){
        .source = &database->source,
        .loop = &database->loops->loop[0],
        .timeout_ms = timeout_ms,
        .newest = &newest,
        .named = &named,
        .read = read_row,
    });
    database->changes =
        ka_row_changes_new(&database->leases, rows_of(settings), (int64_t)settings->life * 1000);
    return database->lookups != NULL && database->changes != NULL;
}

static struct database *database_new(const struct ka_settings *settings, struct seal_keys *keys)
{
    struct database *database = OPENSSL_zalloc(sizeof(*database));

    if (database == NULL) {
        seal_keys_free(keys);
        return NULL;
    }
    database->source.ops = &database_ops;
    database->keys = keys;
    ka_leases_open(&database->leases);
    if (set_up(database, settings))
        return database;
    loops_free(database->loops);
    database_free(&database->source);
    return NULL;
}

struct ka_source *ka_postgresql_open(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct seal_keys *keys = has_password(settings, fault) ? read_keys(settings, fault) : NULL;
    struct database *database;

    if (keys == NULL)
        return NULL;
    health_use(HEALTH_KA);
    database = database_new(settings, keys);
    if (database == NULL)
        (void)snprintf(fault, KA_FAULT_SIZE, "out of memory or descriptors");
    return database == NULL ? NULL : &database->source;
}
