/*
 * The list of revoked Ka's in a PostgreSQL: the table akma_ka_revoked (examples/postgresql)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revoked.h"

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
#    include "ka/ka_revoked_rows.h"
#    include "net/clock.h"
#    include "postgresql.h"

#    include <openssl/crypto.h>
#    include <poll.h>

#    define SECONDS 10 /* for the database to answer */

bool ka_revoked_check(const char *where, char fault[KA_REVOKED_FAULT_SIZE])
{
    char why[POSTGRESQL_FAULT_SIZE];

    return postgresql_check(where, why) || set_fault(fault, why);
}

/* Wait until an answer is complete; false: it does not come. */
static bool wait_for_answer(PGconn *connection)
{
    const int64_t deadline = clock_ms() + (int64_t)SECONDS * 1000;
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

struct ka_revoked *ka_revoked_of_rows(const PGresult *rows, char fault[KA_REVOKED_FAULT_SIZE])
{
    char why[POSTGRESQL_FAULT_SIZE];

    if (PQresultStatus(rows) == PGRES_TUPLES_OK)
        return parse_rows(rows, fault);
    postgresql_say(why, rows != NULL ? PQresultErrorMessage(rows) : "the database does not answer");
    (void)set_fault(fault, why);
    return NULL;
}

static struct ka_revoked *ask(PGconn *connection, char fault[KA_REVOKED_FAULT_SIZE])
{
    PGresult *rows = NULL;
    struct ka_revoked *list;

    if (PQsendQuery(connection, KA_REVOKED_ROWS) != 0 && wait_for_answer(connection))
        rows = PQgetResult(connection);
    list = ka_revoked_of_rows(rows, fault);
    PQclear(rows);
    return list;
}

struct ka_revoked *ka_revoked_query(const struct ka_revoked_place *place,
                                    char fault[KA_REVOKED_FAULT_SIZE])
{
    const struct postgresql_address address = {
        .uri = place->where, .password_file = place->password_file, .program = "e2e-as"};
    char why[POSTGRESQL_FAULT_SIZE];
    PGconn *connection = postgresql_connect(&address, why);
    struct ka_revoked *list = NULL;

    if (connection == NULL)
        (void)set_fault(fault, why);
    else
        list = ask(connection, fault);
    PQfinish(connection);
    return list;
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
#endif
