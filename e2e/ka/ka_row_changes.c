/*
 * The rows of a database that keys depend on: which of them have changed or are gone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_row_changes.h"

#include "net/clock.h"
#include "ops/log.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH   500   /* rows that are checked again at a time */
#define CHANGES 1024  /* that are reported at a time */
#define BURST   65536 /* changes at once, above which everything is revoked */
#define DRAIN   1000  /* of them are forgotten with each tick */

/* a subquery for each row: never a scan of the table */
const struct pg_statement ka_row_changes_statement = {
    "akma_changed", "SELECT r.device, r.ka_id FROM unnest($1::text[], $2::text[], $3::bigint[]) "
                    "AS r(device, ka_id, version) WHERE r.version IS DISTINCT FROM "
                    "(SELECT k.version FROM akma_ka k "
                    "WHERE k.device = r.device AND k.ka_id = r.ka_id)"};

struct ka_row_changes {
    struct ka_leases *leases;
    struct ka_used_rows *used_rows;
    ka_changed *changed;
    void *argument;
    struct pg_client *client;            /* that is being asked */
    struct ka_change collected[CHANGES]; /* what was notified, until it is reported */
    char *texts[CHANGES];
    size_t count, burst;
    bool is_flooded;
};

/* A change that could not be reported stays remembered, and is found after the next connection. */
static void report(struct ka_row_changes *changes, const struct ka_change *gone, size_t count)
{
    bool done;

    for (size_t i = 0; i < count; i++)
        ka_leases_end(changes->leases, &gone[i]);
    done = changes->changed(changes->argument, gone, count);
    for (size_t i = 0; done && i < count; i++) /* now: the texts may be its own */
        if (gone[i].device != NULL)
            ka_used_rows_remove(changes->used_rows, gone[i].device, gone[i].ka_id);
        else
            ka_used_rows_clear(changes->used_rows);
}

static void report_everything(struct ka_row_changes *changes, const char *reason)
{
    static const struct ka_change everything = {NULL, NULL};

    log_event("revocations-missed", "reason", reason, NULL);
    report(changes, &everything, 1);
}

const char *ka_row_changes_depend(struct ka_row_changes *changes, const struct ka_used_row *row)
{
    bool replaced;

    if (!ka_used_rows_add(changes->used_rows, row, clock_ms(), &replaced))
        return "out of memory";
    if (!replaced)
        return NULL;
    report(changes, &(struct ka_change){row->device, row->ka_id}, 1);
    return "the row was replaced a moment ago";
}

/* Notifications */

void ka_row_changes_settle(struct ka_row_changes *changes)
{
    if (changes->count > 0)
        report(changes, changes->collected, changes->count);
    for (size_t i = 0; i < changes->count; i++)
        OPENSSL_free(changes->texts[i]);
    changes->count = 0;
}

/* False: the payload is not of the form, or memory is out. */
static bool collect(struct ka_row_changes *changes, const char *payload)
{
    char *text = strchr(payload, '\n') == NULL ? NULL : OPENSSL_strdup(payload);
    char *end;

    if (text == NULL)
        return false;
    end = strchr(text, '\n');
    *end = '\0';
    if (changes->count == CHANGES)
        ka_row_changes_settle(changes);
    changes->texts[changes->count] = text;
    changes->collected[changes->count++] = (struct ka_change){text, end + 1};
    return true;
}

void ka_row_changes_notified(struct ka_row_changes *changes, const char *payload)
{
    if (changes->burst == BURST) {
        changes->is_flooded = true; /* until the next tick */
        return;
    }
    changes->burst++;
    if (!collect(changes, payload))
        report_everything(
            changes, "the database does not say which rows have changed: all keys are revoked");
}

void ka_row_changes_tick(struct ka_row_changes *changes)
{
    if (changes->is_flooded)
        report_everything(changes, "too many rows have changed at once: all keys are revoked");
    changes->is_flooded = false;
    changes->burst -= changes->burst < DRAIN ? changes->burst : DRAIN;
}

/* After a new connection */

static void check_batch(struct ka_row_changes *changes);

static void on_checked(void *argument, const PGresult *result, const char *reason)
{
    struct ka_row_changes *changes = argument;
    const int count = result == NULL ? 0 : PQntuples(result);
    struct ka_change gone[BATCH];

    (void)reason;
    if (result == NULL)
        return; /* all of it again, with the next connection */
    if (PQresultStatus(result) != PGRES_TUPLES_OK || count > BATCH) {
        report_everything(changes,
                          "the database cannot say which rows have changed: all keys are revoked");
        return;
    }
    for (int i = 0; i < count; i++)
        gone[i] = (struct ka_change){PQgetvalue(result, i, 0), PQgetvalue(result, i, 1)};
    if (count > 0)
        report(changes, gone, (size_t)count);
    check_batch(changes);
}

static void write_quoted(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

enum column { DEVICE, KA_ID, VERSION, COLUMNS };

static void write_value(FILE *out, const struct ka_used_row *row, enum column column)
{
    if (column == VERSION)
        (void)fprintf(out, "%lld", (long long)row->version);
    else
        write_quoted(out, column == DEVICE ? row->device : row->ka_id);
}

/* One column as an array in PostgreSQL's syntax, for free(). NULL: out of memory. */
static char *column_of(const struct ka_used_row *rows, size_t count, enum column column)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool done;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        (void)fputc(i == 0 ? '{' : ',', out);
        write_value(out, &rows[i], column);
    }
    (void)fputc('}', out);
    done = ferror(out) == 0;
    if (fclose(out) == 0 && done)
        return text;
    free(text);
    return NULL;
}

static bool ask(struct ka_row_changes *changes, const struct ka_used_row *rows, size_t count)
{
    char *columns[COLUMNS];
    bool done = true;

    for (enum column column = DEVICE; column < COLUMNS; column++) {
        columns[column] = column_of(rows, count, column);
        done = done && columns[column] != NULL;
    }
    done = done && pg_client_send(changes->client, &ka_row_changes_statement, COLUMNS,
                                  (const char *const *)columns, on_checked, changes);
    for (enum column column = DEVICE; column < COLUMNS; column++)
        free(columns[column]);
    return done;
}

/* The next batch. If it cannot be sent, its rows are revoked, because their state is unknown. */
static void check_batch(struct ka_row_changes *changes)
{
    struct ka_used_row rows[BATCH];
    const size_t count = ka_used_rows_next(changes->used_rows, rows, BATCH);

    if (count > 0 && !ask(changes, rows, count) && pg_client_is_ready(changes->client))
        report_everything(changes, "out of memory: all keys are revoked");
}

void ka_row_changes_check(struct ka_row_changes *changes, struct pg_client *client)
{
    changes->client = client;
    if (ka_used_rows_has_forgotten(changes->used_rows, clock_ms()))
        report_everything(changes,
                          "more rows than are remembered may have changed: all keys are revoked");
    ka_used_rows_begin(changes->used_rows);
    check_batch(changes);
}

/* The beginning and the end */

struct ka_row_changes *ka_row_changes_new(struct ka_leases *leases, size_t rows_max, int64_t life)
{
    struct ka_row_changes *changes = OPENSSL_zalloc(sizeof(*changes));

    if (changes == NULL)
        return NULL;
    changes->leases = leases;
    changes->used_rows = ka_used_rows_new(rows_max, life);
    if (changes->used_rows != NULL)
        return changes;
    OPENSSL_free(changes);
    return NULL;
}

void ka_row_changes_report_to(struct ka_row_changes *changes, ka_changed *changed, void *argument)
{
    changes->changed = changed;
    changes->argument = argument;
}

void ka_row_changes_free(struct ka_row_changes *changes)
{
    if (changes == NULL)
        return;
    for (size_t i = 0; i < changes->count; i++)
        OPENSSL_free(changes->texts[i]);
    ka_used_rows_free(changes->used_rows);
    OPENSSL_free(changes);
}
