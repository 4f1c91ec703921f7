/*
 * akma ka: which of its actions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"
#include "command.h"
#include "options.h"
#include "printable.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
    const char *purpose;
} actions[] = {
    {"new", ka_new, "make Ka's for a list of devices"},
    {"derive", ka_derive, "derive Ka's from a master secret for a list of devices"},
    {"add", ka_add, "add Ka's to a devices file or a database"},
    {"remove", ka_remove, "remove Ka's from a devices file or a database"},
    {"merge", ka_merge, "combine Ks_NAF's and Ka's of two files"},
    {"list", ka_list, "list the rows of a database, without the Ka's"},
    {"import", ka_import, "put the Ka's of a devices file into a database"},
    {"export", ka_export, "write the Ka's of a database as a devices file"},
    {"rekey", ka_rekey, "seal the rows of a database with another key"},
};

static void help(FILE *stream)
{
    fprintf(stream,
            "akma ka - make Ka's, and change which ones a devices file or a database has\n\n");
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        fprintf(stream, "  akma ka %-8s %s\n", actions[i].name, actions[i].purpose);
    fprintf(stream, "\nakma ka new --help, and so on, says more.\n\n"
                    "Example:\n"
                    "  akma ka add --devices devices.csv --identity ue1@bsf.example.com\n");
}

int command_ka(int argc, char *argv[])
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        help(stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(argv[1], actions[i].name) == 0) {
            char called[32];

            (void)snprintf(called, sizeof(called), "akma ka %s", actions[i].name);
            argv[1] = called;
            return actions[i].run(argc - 1, argv + 1);
        }
    fprintf(stderr,
            "akma ka: %s: must be new, derive, add, remove, merge, list, import, export or rekey\n",
            PRINTABLE(argv[1]));
    return EXIT_USAGE;
}
