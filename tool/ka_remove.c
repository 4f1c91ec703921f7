/*
 * akma ka remove: Ka's out of a devices file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "devices_edit.h"
#include "ka.h"
#include "ka_database.h"
#include "line_reader.h"
#include "options.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "With --identity and one of the others, rows that match both. A device\n"
    "without any row is unknown.\n"
    "\n"
    "Example:\n"
    "  akma ka remove --devices devices.csv --ka-id 2025";

static struct {
    const char *devices, *identity, *ka_id, *unnamed;
    struct ka_database_options database;
} option = {.database.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    {"devices", "FILE", &option.devices, OPTION_OPTIONAL, "the devices file"},
    {"database", "URI", &option.database.uri, OPTION_OPTIONAL,
     "instead, PostgreSQL's address: postgresql://..."},
    {"ka-password-file", "FILE", &option.database.password_file, OPTION_OPTIONAL,
     "with --database, the password there (without: ~/.pgpass)"},
    {"identity", "ID", &option.identity, OPTION_OPTIONAL, "rows of this device"},
    {"ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "rows of the Ka with this name"},
    {"no-ka-id", NULL, &option.unnamed, OPTION_OPTIONAL, "rows whose Ka has no name"},
    {"wait", "SECONDS", &option.database.wait, OPTION_OPTIONAL,
     "how long to wait while another program has it locked"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

/* The options that say where, and which rows go. */
static bool check_options(void)
{
    if ((option.devices == NULL) == (option.database.uri == NULL))
        return command_fail("ka remove", "--devices", "give either this or --database");
    if (!ka_database_options_check("remove", &option.database))
        return false;
    if (option.ka_id != NULL && option.ka_id[0] == '\0')
        return command_fail("ka remove", "--ka-id",
                            "empty: give a name; --no-ka-id removes rows whose Ka has none");
    if (option.ka_id != NULL && option.unnamed != NULL)
        return command_fail("ka remove", "--no-ka-id", "give this or --ka-id");
    return option.identity != NULL || option.ka_id != NULL || option.unnamed != NULL ||
           command_fail("ka remove", "--identity", "give this, --ka-id or both, or --no-ka-id");
}

/* Mark the lines that go; how many. */
static size_t mark(const struct devices *devices, bool *goes)
{
    size_t count = 0;

    for (size_t i = 0; i < devices->count; i++) {
        const struct device *device = &devices->rows[i];

        if ((option.identity != NULL && strcmp(device->identity, option.identity) != 0) ||
            (option.ka_id != NULL && strcmp(device->ka_id, option.ka_id) != 0) ||
            (option.unnamed != NULL && device->ka_id[0] != '\0'))
            continue;
        goes[device->row] = true;
        count++;
    }
    return count;
}

static void put_rest(struct secret_buf *text, const struct devices_edit *edit, const bool *goes)
{
    char *rest = edit->text.octets, *line;
    size_t left = edit->text.length, length;

    for (size_t number = 1; line_next(&rest, &left, &line, &length); number++)
        if (!goes[number])
            secret_buf_put(text, line, (size_t)(rest - line));
}

static size_t remove_rows(struct devices_edit *edit, char fault[DEVICES_EDIT_FAULT_SIZE])
{
    struct secret_buf text = {.octets = NULL};
    bool *goes = OPENSSL_zalloc((edit->devices->count + 2) * sizeof(*goes)); /* lines from 1 */
    size_t count = goes == NULL ? 0 : mark(edit->devices, goes);

    if (count == 0) {
        (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE, "%s",
                       goes == NULL ? "out of memory" : "there is no such row");
    } else {
        put_rest(&text, edit, goes);
        if (!devices_edit_replace(edit, &text, fault))
            count = 0;
    }
    OPENSSL_free(goes);
    secret_buf_free(&text);
    return count;
}

static size_t remove_from_database(char fault[KA_DATABASE_FAULT_SIZE])
{
    const struct ka_database_scope scope = {option.identity,
                                            option.unnamed != NULL ? "" : option.ka_id};
    struct ka_database *database = ka_database_open(&option.database, KA_DATABASE_REMOVE, fault);
    size_t count = 0;

    if (database != NULL && ka_database_remove(database, &scope, &count, fault)) {
        (void)snprintf(fault, KA_DATABASE_FAULT_SIZE, "there is no such row");
        if (count > 0 && !ka_database_commit(database, fault))
            count = 0;
    }
    ka_database_close(database);
    return count;
}

static size_t remove_from_file(unsigned int wait, char fault[DEVICES_EDIT_FAULT_SIZE])
{
    struct devices_edit edit;
    size_t count = 0;

    if (devices_edit_open(&edit, option.devices, wait, fault))
        count = remove_rows(&edit, fault);
    devices_edit_close(&edit);
    return count;
}

int ka_remove(int argc, char *argv[])
{
    char fault[KA_DATABASE_FAULT_SIZE];
    unsigned int wait;
    size_t count;

    options_parse(argc, argv, "remove Ka's from a devices file or a database", groups,
                  sizeof(groups) / sizeof(groups[0]));
    wait = options_number("wait", option.database.wait, 0, DEVICES_EDIT_WAIT_MAX);
    if (!check_options())
        return EXIT_USAGE;
    count = option.devices != NULL ? remove_from_file(wait, fault) : remove_from_database(fault);
    if (count == 0)
        (void)command_fail("ka remove", option.devices != NULL ? option.devices : "--database",
                           fault);
    else
        printf("%zu removed\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
