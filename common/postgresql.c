/*
 * A connection to PostgreSQL as every program of this project makes it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "postgresql.h"

#include "printable.h"
#include "secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME       "postgresql:"
#define PASSWORD_MAX 1000 /* octets */
#define PARAMS_MAX   80   /* libpq has some 45 */

/* Defaults, unless the address says otherwise. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"target_session_attrs", "read-write"},
    {"connect_timeout", "5"},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "2"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"},
    {"client_encoding", "UTF8"},
    {"gssencmode", "disable"}, /* MIT's GSS-API crashes where it runs out of memory */
};

/* In one line. Its quotation marks are of the kind that no filter escapes, this one or the log's.
 */
void postgresql_say(char fault[POSTGRESQL_FAULT_SIZE], const char *message)
{
    char line[POSTGRESQL_FAULT_SIZE];
    size_t used = 0;

    for (; *message != '\0' && used + 1 < sizeof(line); message++) {
        const bool is_blank = strchr(" \t\n", *message) != NULL;

        if (*message == '"')
            line[used++] = '\'';
        else if (!is_blank)
            line[used++] = *message;
        else if (used > 0 && line[used - 1] != ' ')
            line[used++] = ' ';
    }
    while (used > 0 && line[used - 1] == ' ')
        used--;
    (void)printable_octets(fault, POSTGRESQL_FAULT_SIZE, line, used);
}

static bool fail(char fault[POSTGRESQL_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, POSTGRESQL_FAULT_SIZE, "%s", what);
    return false;
}

/* The address as libpq understands it. NULL: fault. */
static PQconninfoOption *parse(const char *uri, char fault[POSTGRESQL_FAULT_SIZE])
{
    const bool is_cut = strncmp(uri, "//", 2) == 0;
    const size_t size = sizeof(SCHEME) + strlen(uri);
    char *whole = malloc(size), *message = NULL;
    PQconninfoOption *options = NULL;

    if (whole != NULL) {
        (void)snprintf(whole, size, "%s%s", is_cut ? SCHEME : "", uri);
        options = PQconninfoParse(whole, &message);
    }
    free(whole);
    if (options == NULL) /* libpq quotes what it does not understand, which may be a password */
        (void)fail(fault, message == NULL ? "out of memory"
                                          : "not an address of PostgreSQL: write "
                                            "postgresql://USER@HOST/DATABASE");
    PQfreemem(message);
    return options;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val != NULL && options->val[0] != '\0' ? options->val : NULL;
    return NULL;
}

bool postgresql_check(const char *uri, char fault[POSTGRESQL_FAULT_SIZE])
{
    PQconninfoOption *options = parse(uri, fault);
    bool done = options != NULL;

    if (done && (value_of(options, "password") != NULL || value_of(options, "sslpassword") != NULL))
        done = fail(fault, "a password in an address is seen by every user of this machine: put "
                           "it into a file");
    PQconninfoFree(options);
    return done;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Are all hosts Unix sockets? A service may name others, which only libpq sees. */
static bool is_local(const PQconninfoOption *options)
{
    const char *host = value_of(options, "host");

    if (value_of(options, "hostaddr") != NULL || environment("PGHOSTADDR") != NULL ||
        value_of(options, "service") != NULL || environment("PGSERVICE") != NULL)
        return false;
    if (host == NULL)
        host = environment("PGHOST");
    for (; host != NULL; host = strchr(host, ',')) {
        host += host[0] == ',';
        if (host[0] != '/' && host[0] != '@')
            return false;
    }
    return true;
}

static const char *const lists[] = {"host", "hostaddr", "port"};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* The list, rotated so that it begins with another item; release it with free(). NULL: no memory.
 */
static char *rotate(const char *list, unsigned int turn)
{
    const size_t length = strlen(list);
    char *rotated = malloc(length + 2);
    size_t count = 1, first = 0;

    for (size_t i = 0; i < length; i++)
        count += list[i] == ',';
    for (turn %= (unsigned int)count; turn > 0; first++)
        turn -= list[first] == ',';
    if (rotated != NULL && first > 0)
        (void)snprintf(rotated, length + 2, "%s,%.*s", list + first, (int)first - 1, list);
    else if (rotated != NULL)
        memcpy(rotated, list, length + 1);
    return rotated;
}

/* Keywords and values for libpq, which ends at a NULL. */
struct params {
    const char *keywords[PARAMS_MAX + 1], *values[PARAMS_MAX + 1];
    size_t count;
    char *lists[LISTS]; /* of several hosts */
};

static void add(struct params *params, const char *keyword, const char *value)
{
    if (params->count == PARAMS_MAX)
        return;
    params->keywords[params->count] = keyword;
    params->values[params->count++] = value;
}

static bool is_list(const char *keyword)
{
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(lists[i], keyword) == 0)
            return true;
    return false;
}

/* The hosts in another order. False: no memory. */
static bool add_hosts(struct params *params, const PQconninfoOption *options, unsigned int turn)
{
    for (size_t i = 0; i < LISTS; i++) {
        const char *list = value_of(options, lists[i]);

        if (list == NULL)
            continue;
        params->lists[i] = rotate(list, turn);
        if (params->lists[i] == NULL)
            return false;
        add(params, lists[i], params->lists[i]);
    }
    return true;
}

static void fill(struct params *params, const PQconninfoOption *options, const char *program)
{
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL && !is_list(option->keyword))
            add(params, option->keyword, option->val);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        if (value_of(options, defaults[i].keyword) == NULL)
            add(params, defaults[i].keyword, defaults[i].value);
    if (value_of(options, "sslmode") == NULL && !is_local(options))
        add(params, "sslmode", "verify-full");
    if (value_of(options, "application_name") == NULL)
        add(params, "application_name", program);
}

/* The first line of the file. False: fault. */
static bool read_password(char password[PASSWORD_MAX + 1], const char *path,
                          char fault[POSTGRESQL_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE];
    size_t length = 0, used;
    char *text = secret_file_read(path, PASSWORD_MAX, false, &length, what);

    if (text == NULL)
        return fail(fault, what);
    used = strcspn(text, "\r\n");
    memcpy(password, text, used);
    password[used] = '\0';
    secret_file_free(text, length);
    return used > 0 || fail(fault, "the first line has to be the password");
}

bool postgresql_password_is_there(const char *path, char fault[POSTGRESQL_FAULT_SIZE])
{
    char password[PASSWORD_MAX + 1];
    const bool is_there = read_password(password, path, fault);

    explicit_bzero(password, sizeof(password));
    return is_there;
}

/* The password that goes with an address, if any. False: fault. */
static bool take_password(char password[PASSWORD_MAX + 1], const char *path,
                          char fault[POSTGRESQL_FAULT_SIZE])
{
    char what[POSTGRESQL_FAULT_SIZE];

    if (path == NULL || read_password(password, path, what))
        return true;
    (void)snprintf(fault, POSTGRESQL_FAULT_SIZE, "password file: %.200s", what);
    return false;
}

/* Otherwise libpq writes a server's notices to standard error, unfiltered. */
static void ignore(void *argument, const char *remark)
{
    (void)argument, (void)remark;
}

PGconn *postgresql_start(const struct postgresql_address *address,
                         char fault[POSTGRESQL_FAULT_SIZE])
{
    PQconninfoOption *options = parse(address->uri, fault);
    char password[PASSWORD_MAX + 1] = "";
    struct params params = {.count = 0};
    PGconn *connection = NULL;

    if (options != NULL && take_password(password, address->password_file, fault)) {
        fill(&params, options, address->program);
        if (password[0] != '\0')
            add(&params, "password", password);
        if (add_hosts(&params, options, address->turn))
            connection = PQconnectStartParams(params.keywords, params.values, 0);
        if (connection == NULL)
            (void)fail(fault, "out of memory");
        else
            (void)PQsetNoticeProcessor(connection, ignore, NULL);
        for (size_t i = 0; i < LISTS; i++)
            free(params.lists[i]);
    }
    explicit_bzero(password, sizeof(password));
    PQconninfoFree(options);
    return connection;
}

PGconn *postgresql_connect(const struct postgresql_address *address,
                           char fault[POSTGRESQL_FAULT_SIZE])
{
    PGconn *connection = postgresql_start(address, fault);

    if (connection == NULL)
        return NULL;
    postgresql_say(fault, PQerrorMessage(connection)); /* of what PQreset() does not try again */
    PQreset(connection); /* starts again, and waits as PQconnectdbParams() would */
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    if (PQerrorMessage(connection)[0] != '\0')
        postgresql_say(fault, PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}
