/*
 * Ka's in PostgreSQL: one transaction, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_database.h"

#include "devices_edit.h"
#include "ka_row.h"
#include "postgresql.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 * 1024) /* of rows on their way */
#define BATCH       "5000"               /* rows that are resealed at a time */
#define INCOMING    "pg_temp.akma_ka_incoming"

struct ka_database {
    PGconn *connection;
    struct seal_keys *keys; /* NULL: none is needed */
    bool copies;            /* rows are on their way */
    unsigned char *buffer;  /* of BUFFER_SIZE octets */
    size_t used;
    unsigned char sealed[KA_ROW_LENGTH], ka[KA_ROW_LENGTH];
};

static bool fail(char fault[KA_DATABASE_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, KA_DATABASE_FAULT_SIZE, "%s", what);
    return false;
}

static bool fail_query(const struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    char said[POSTGRESQL_FAULT_SIZE];

    postgresql_say(said, PQerrorMessage(database->connection));
    return fail(fault, said);
}

static bool fail_row(char fault[KA_DATABASE_FAULT_SIZE], const char *device, const char *ka_id,
                     const char *what)
{
    char shown[2][200];

    (void)snprintf(
        fault, KA_DATABASE_FAULT_SIZE, "device %s%s%s: %s",
        printable_octets(shown[0], sizeof(shown[0]), device, strlen(device)),
        ka_id[0] == '\0' ? "" : ", ka-id ",
        ka_id[0] == '\0' ? "" : printable_octets(shown[1], sizeof(shown[1]), ka_id, strlen(ka_id)),
        what);
    return false;
}

/* A result of a command that went well, to be cleared; NULL: fault. */
static PGresult *run(const struct ka_database *database, const char *sql, int count,
                     const char *const *texts, char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *result = PQexecParams(database->connection, sql, count, NULL, texts, NULL, NULL, 0);
    const ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN)
        return result;
    (void)fail_query(database, fault);
    PQclear(result);
    return NULL;
}

static bool execute(const struct ka_database *database, const char *sql,
                    char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *result = run(database, sql, 0, NULL, fault);

    PQclear(result);
    return result != NULL;
}

/* How many rows a command has touched; false: fault. */
static bool execute_counted(const struct ka_database *database, const char *sql, int count,
                            const char *const *texts, size_t *rows,
                            char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *result = run(database, sql, count, texts, fault);

    if (result != NULL)
        *rows = (size_t)strtoull(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return result != NULL;
}

static bool read_keys(struct ka_database *database, const char *path,
                      char fault[KA_DATABASE_FAULT_SIZE])
{
    char what[SEAL_KEYS_FAULT_SIZE];

    if (path == NULL)
        return fail(fault, "--ka-key FILE is missing: the rows are sealed");
    database->keys = seal_keys_read(path, what);
    if (database->keys != NULL)
        return true;
    (void)snprintf(fault, KA_DATABASE_FAULT_SIZE, "--ka-key %s: %s", PRINTABLE_PATH(path), what);
    return false;
}

static bool begin(const struct ka_database *database, enum ka_database_use use, unsigned int wait,
                  char fault[KA_DATABASE_FAULT_SIZE])
{
    char limit[64];

    if (use == KA_DATABASE_NAMES || use == KA_DATABASE_READ)
        return execute(database, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", fault);
    (void)snprintf(limit, sizeof(limit), "SET LOCAL lock_timeout = '%us'", wait);
    if (!execute(database, "BEGIN", fault) || (wait > 0 && !execute(database, limit, fault)) ||
        !execute(database,
                 wait > 0 ? "LOCK TABLE akma_ka IN SHARE ROW EXCLUSIVE MODE"
                          : "LOCK TABLE akma_ka IN SHARE ROW EXCLUSIVE MODE NOWAIT",
                 fault))
        return false;
    return execute(database, "SET LOCAL lock_timeout = 0", fault);
}

struct ka_database *ka_database_open(const struct ka_database_options *options,
                                     enum ka_database_use use, char fault[KA_DATABASE_FAULT_SIZE])
{
    const struct postgresql_address address = {options->uri, options->password_file, "akma ka", 0};
    const bool needs_key = use == KA_DATABASE_READ || use == KA_DATABASE_WRITE;
    const unsigned int wait =
        options->wait == NULL ? 0 : options_number("wait", options->wait, 0, DEVICES_EDIT_WAIT_MAX);
    struct ka_database *database = OPENSSL_zalloc(sizeof(*database));
    char what[POSTGRESQL_FAULT_SIZE];

    (void)fail(fault, "out of memory");
    if (database == NULL || (database->buffer = OPENSSL_malloc(BUFFER_SIZE)) == NULL ||
        (needs_key && !read_keys(database, options->key, fault))) {
        ka_database_close(database);
        return NULL;
    }
    if (postgresql_check(options->uri, what))
        database->connection = postgresql_connect(&address, what);
    if (database->connection == NULL)
        (void)fail(fault, what);
    else if (begin(database, use, wait, fault))
        return database;
    ka_database_close(database);
    return NULL;
}

/* Rows on their way, as COPY takes them in binary */

static bool flush(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    const bool done = PQputCopyData(database->connection, (const char *)database->buffer,
                                    (int)database->used) > 0;

    database->used = 0;
    return done || fail_query(database, fault);
}

static bool put_octets(struct ka_database *database, const void *octets, size_t length,
                       char fault[KA_DATABASE_FAULT_SIZE])
{
    if (BUFFER_SIZE - database->used < length && !flush(database, fault))
        return false;
    memcpy(database->buffer + database->used, octets, length);
    database->used += length;
    return true;
}

static bool put_number(struct ka_database *database, size_t value, size_t octets,
                       char fault[KA_DATABASE_FAULT_SIZE])
{
    unsigned char number[8];

    (void)seal_put_number(number, value, octets);
    return put_octets(database, number, octets, fault);
}

static bool put_field(struct ka_database *database, const void *octets, size_t length,
                      char fault[KA_DATABASE_FAULT_SIZE])
{
    return put_number(database, length, 4, fault) && put_octets(database, octets, length, fault);
}

/* The table that rows go to first, in their order; then COPY. */
static bool begin_copy(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    static const unsigned char head[19] = "PGCOPY\n\377\r\n";

    if (database->copies)
        return true;
    database->copies =
        execute(database,
                "CREATE TEMPORARY TABLE IF NOT EXISTS akma_ka_incoming "
                "(n bigserial, device text COLLATE \"C\", ka_id text COLLATE \"C\", sealed bytea) "
                "ON COMMIT DROP",
                fault) &&
        execute(database,
                "COPY " INCOMING " (device, ka_id, sealed) FROM STDIN WITH (FORMAT binary)", fault);
    return database->copies && put_octets(database, head, sizeof(head), fault);
}

static bool put_sealed(struct ka_database *database, const char *device, const char *ka_id,
                       const unsigned char *ka, size_t length, char fault[KA_DATABASE_FAULT_SIZE])
{
    if (!ka_row_seal(database->keys, device, ka_id, ka, length, database->sealed))
        return fail(fault, "libcrypto cannot seal: no randomness, AES-256-GCM or HKDF");
    return put_number(database, 3, 2, fault) &&
           put_field(database, device, strlen(device), fault) &&
           put_field(database, ka_id, strlen(ka_id), fault) &&
           put_field(database, database->sealed, KA_ROW_EXTRA + length, fault);
}

bool ka_database_put(struct ka_database *database, const char *device, const char *ka_id,
                     const unsigned char *ka, size_t length, char fault[KA_DATABASE_FAULT_SIZE])
{
    return begin_copy(database, fault) && put_sealed(database, device, ka_id, ka, length, fault);
}

static bool end_copy(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *result;
    bool done;

    if (!database->copies)
        return true;
    database->copies = false;
    if (!put_number(database, 0xffff, 2, fault) || !flush(database, fault) ||
        PQputCopyEnd(database->connection, NULL) <= 0)
        return fail_query(database, fault);
    result = PQgetResult(database->connection);
    done = PQresultStatus(result) == PGRES_COMMAND_OK || fail_query(database, fault);
    PQclear(result);
    while ((result = PQgetResult(database->connection)) != NULL)
        PQclear(result);
    return done;
}

/* Rows that were found */

/* The Ka of a sealed one in text. NULL, or what is wrong with it. */
static const char *open_sealed(struct ka_database *database, const char *device, const char *ka_id,
                               const char *text, unsigned char *ka, size_t *length)
{
    size_t octets = 0;
    unsigned char *sealed = PQunescapeBytea((const unsigned char *)text, &octets);
    const char *wrong = "out of memory";

    *length = 0;
    if (sealed != NULL && octets <= KA_ROW_LENGTH)
        wrong = ka_row_open(database->keys, device, ka_id, sealed, octets, ka, length);
    PQfreemem(sealed);
    return wrong;
}

/* Rows of one device and ka-id, one after the other, have to have one Ka. */
static bool are_alike(struct ka_database *database, const PGresult *rows,
                      enum ka_database_rule rule, char fault[KA_DATABASE_FAULT_SIZE])
{
    const char *device = "", *ka_id = "";
    unsigned char first[ROW_KA_MAX];
    size_t first_length = 0, length;
    bool done = true;

    for (int i = 0; done && i < PQntuples(rows); i++) {
        const bool is_next = i > 0 && strcmp(device, PQgetvalue(rows, i, 0)) == 0 &&
                             strcmp(ka_id, PQgetvalue(rows, i, 1)) == 0;
        const char *wrong;

        device = PQgetvalue(rows, i, 0);
        ka_id = PQgetvalue(rows, i, 1);
        if (is_next && rule != KA_DATABASE_IMPORT)
            done = fail_row(fault, device, ka_id, "has a Ka of that name already");
        if (!done)
            break;
        wrong = open_sealed(database, device, ka_id, PQgetvalue(rows, i, 2), database->ka, &length);
        if (wrong != NULL)
            done = fail_row(fault, device, ka_id, wrong);
        else if (is_next && (length != first_length || CRYPTO_memcmp(first, database->ka, length)))
            done = fail_row(fault, device, ka_id,
                            ka_id[0] == '\0' ? "has another Ka without a name: give them names"
                                             : "has another Ka of that name");
        memcpy(first, database->ka, length);
        first_length = length;
    }
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(database->ka, sizeof(database->ka));
    return done;
}

static bool check_repeated(struct ka_database *database, enum ka_database_rule rule,
                           char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *rows =
        run(database,
            "WITH rows AS (SELECT device, ka_id, sealed FROM " INCOMING
            " UNION ALL SELECT k.device, k.ka_id, k.sealed FROM akma_ka k "
            "JOIN (SELECT DISTINCT device, ka_id FROM " INCOMING ") i USING (device, ka_id)) "
            "SELECT device, ka_id, sealed FROM rows WHERE (device, ka_id) IN "
            "(SELECT device, ka_id FROM rows GROUP BY 1, 2 HAVING count(*) > 1) "
            "ORDER BY 1, 2",
            0, NULL, fault);
    const bool done = rows != NULL && are_alike(database, rows, rule, fault);

    PQclear(rows);
    return done;
}

/* A name that the table does not have is a typing error as often as it is a device. */
static bool check_known(const struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    PGresult *unknown = run(database,
                            "SELECT device, count(*) OVER () FROM " INCOMING " i WHERE NOT EXISTS "
                            "(SELECT FROM akma_ka k WHERE k.device = i.device) ORDER BY n LIMIT 1",
                            0, NULL, fault);
    bool done = unknown != NULL;

    if (done && PQntuples(unknown) > 0) {
        (void)snprintf(fault, KA_DATABASE_FAULT_SIZE,
                       "has no device %.255s: mistyped? (%s rows; --new adds devices)",
                       PRINTABLE(PQgetvalue(unknown, 0, 0)), PQgetvalue(unknown, 0, 1));
        done = false;
    }
    PQclear(unknown);
    return done;
}

bool ka_database_take(struct ka_database *database, enum ka_database_rule rule, size_t *taken,
                      char fault[KA_DATABASE_FAULT_SIZE])
{
    *taken = 0;
    if (!database->copies)
        return true;
    return end_copy(database, fault) && execute(database, "ANALYZE " INCOMING, fault) &&
           check_repeated(database, rule, fault) &&
           (rule != KA_DATABASE_ADD || check_known(database, fault)) &&
           execute_counted(database,
                           "INSERT INTO akma_ka (device, ka_id, sealed) "
                           "SELECT device, ka_id, sealed FROM " INCOMING " ORDER BY n "
                           "ON CONFLICT DO NOTHING",
                           0, NULL, taken, fault);
}

struct ka_database *ka_database_put_devices(const struct ka_database_options *options,
                                            const struct devices *devices,
                                            enum ka_database_rule rule, size_t *taken,
                                            char fault[KA_DATABASE_FAULT_SIZE])
{
    struct ka_database *database = ka_database_open(options, KA_DATABASE_WRITE, fault);
    bool done = database != NULL;

    for (size_t i = 0; done && i < devices->count; i++) {
        const struct device *row = devices->by_device[i]; /* of each device as they came */

        done = row->ka == NULL ||
               ka_database_put(database, row->device, row->ka_id, row->ka, row->ka_length, fault);
    }
    if (done && ka_database_take(database, rule, taken, fault))
        return database;
    ka_database_close(database);
    return NULL;
}

bool ka_database_remove(struct ka_database *database, const struct ka_database_scope *scope,
                        size_t *removed, char fault[KA_DATABASE_FAULT_SIZE])
{
    const char *const texts[] = {scope->device, scope->ka_id};

    return execute_counted(database,
                           "DELETE FROM akma_ka WHERE ($1::text IS NULL OR device = $1) AND "
                           "($2::text IS NULL OR ka_id = $2)",
                           2, texts, removed, fault);
}

/* One row of a query. False: fault. */
static bool give(struct ka_database *database, const PGresult *result, ka_database_found *found,
                 void *argument, bool *goes_on, char fault[KA_DATABASE_FAULT_SIZE])
{
    struct ka_database_row row = {
        .device = PQgetvalue(result, 0, 0),
        .ka_id = PQgetvalue(result, 0, 1),
        .version = PQgetvalue(result, 0, 2),
        .created = PQgetvalue(result, 0, 3),
        .key = PQgetvalue(result, 0, 4),
    };
    const char *wrong = NULL;

    if (database->keys != NULL) {
        wrong = open_sealed(database, row.device, row.ka_id, PQgetvalue(result, 0, 5), database->ka,
                            &row.ka_length);
        row.ka = database->ka;
    }
    if (wrong != NULL)
        return fail_row(fault, row.device, row.ka_id, wrong);
    *goes_on = found(argument, &row);
    OPENSSL_cleanse(database->ka, row.ka_length);
    return true;
}

bool ka_database_each(struct ka_database *database, const struct ka_database_scope *scope,
                      ka_database_found *found, void *argument, char fault[KA_DATABASE_FAULT_SIZE])
{
    const char *const texts[] = {scope->device, scope->ka_id};
    bool goes_on = true, done;
    PGresult *result;

    done = PQsendQueryParams(
               database->connection,
               database->keys == NULL
                   ? "SELECT device, ka_id, version, to_char(created AT TIME ZONE 'UTC', "
                     "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
                     "('x' || encode(substring(sealed from 2 for 4), 'hex'))::bit(32)::bigint "
                     "FROM akma_ka WHERE ($1::text IS NULL OR device = $1) AND "
                     "($2::text IS NULL OR ka_id = $2) ORDER BY device, version"
                   : "SELECT device, ka_id, version, '', '', sealed FROM akma_ka WHERE "
                     "($1::text IS NULL OR device = $1) AND ($2::text IS NULL OR ka_id = $2) "
                     "ORDER BY device, version",
               2, NULL, texts, NULL, NULL, 0) > 0 &&
           PQsetSingleRowMode(database->connection) > 0;
    if (!done)
        (void)fail_query(database, fault);
    while ((result = PQgetResult(database->connection)) != NULL) {
        const ExecStatusType status = PQresultStatus(result);

        if (done && goes_on && status == PGRES_SINGLE_TUPLE)
            done = give(database, result, found, argument, &goes_on, fault);
        else if (done && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
            done = fail_query(database, fault);
        PQclear(result);
    }
    return done;
}

/* The rows of a batch, resealed, on their way. */
static bool seal_batch(struct ka_database *database, const PGresult *rows,
                       char fault[KA_DATABASE_FAULT_SIZE])
{
    bool done = true;

    for (int i = 0; done && i < PQntuples(rows); i++) {
        const char *device = PQgetvalue(rows, i, 0), *ka_id = PQgetvalue(rows, i, 1);
        size_t length;
        const char *wrong =
            open_sealed(database, device, ka_id, PQgetvalue(rows, i, 2), database->ka, &length);

        done = wrong == NULL ? ka_database_put(database, device, ka_id, database->ka, length, fault)
                             : fail_row(fault, device, ka_id, wrong);
    }
    OPENSSL_cleanse(database->ka, sizeof(database->ka));
    return done && end_copy(database, fault);
}

bool ka_database_rekey(struct ka_database *database, size_t *sealed,
                       char fault[KA_DATABASE_FAULT_SIZE])
{
    char query[300];
    bool done;
    int count = 1;

    *sealed = 0;
    (void)snprintf(query, sizeof(query),
                   "DECLARE akma_rekey CURSOR FOR SELECT device, ka_id, sealed FROM akma_ka "
                   "WHERE substring(sealed from 2 for 4) <> '\\x%08x'::bytea",
                   (unsigned int)database->keys->keys[0].number);
    done = execute(database, query, fault);
    while (done && count > 0) {
        PGresult *rows = run(database, "FETCH " BATCH " FROM akma_rekey", 0, NULL, fault);

        count = rows == NULL ? 0 : PQntuples(rows);
        done = rows != NULL && (count == 0 || seal_batch(database, rows, fault));
        PQclear(rows);
        if (done && count > 0 && *sealed == 0)
            *sealed = 1;
    }
    if (!done || *sealed == 0)
        return done;
    return execute(database, "SET LOCAL akma.rekey = 'on'", fault) &&
           execute(database, "ANALYZE " INCOMING, fault) &&
           execute_counted(database,
                           "UPDATE akma_ka k SET sealed = i.sealed FROM " INCOMING
                           " i WHERE k.device = i.device AND k.ka_id = i.ka_id",
                           0, NULL, sealed, fault);
}

bool ka_database_commit(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    return execute(database, "COMMIT", fault);
}

void ka_database_close(struct ka_database *database)
{
    if (database == NULL)
        return;
    PQfinish(database->connection);
    seal_keys_free(database->keys);
    OPENSSL_clear_free(database->buffer, BUFFER_SIZE);
    OPENSSL_clear_free(database, sizeof(*database));
}
