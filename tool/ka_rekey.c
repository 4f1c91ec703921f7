/*
 * akma ka rekey: the rows of a database, sealed with the first line of --ka-key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_edit.h"
#include "ka.h"
#include "ka_database.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>

static const char example[] =
    "In --ka-key of every third party, put the new key first and the old one after\n"
    "it, and reload; then run this; then remove the old line. No Ka changes, so\n"
    "nothing is revoked.\n"
    "\n"
    "Example:\n"
    "  akma ka rekey --database postgresql://registrar@db.example.com/akma --ka-key ka.key";

static struct ka_database_options option = {.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    KA_DATABASE_ROWS(option, OPTION_REQUIRED),
    {"wait", "SECONDS", &option.wait, OPTION_OPTIONAL,
     "how long to wait while another program writes"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

int ka_rekey(int argc, char *argv[])
{
    char fault[KA_DATABASE_FAULT_SIZE];
    struct ka_database *database;
    size_t sealed = 0;
    bool done;

    options_parse(argc, argv, "seal the rows of a database with another key", groups,
                  sizeof(groups) / sizeof(groups[0]));
    database = ka_database_open(&option, KA_DATABASE_WRITE, fault);
    done = database != NULL && ka_database_rekey(database, &sealed, fault) &&
           ka_database_commit(database, fault);
    ka_database_close(database);
    if (done)
        printf("%zu resealed\n", sealed);
    else
        fprintf(stderr, "akma ka rekey: --database: %s\n", fault);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
