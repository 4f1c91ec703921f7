/*
 * In the place of ka_database.c and of the commands that need it, if there was no libpq
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"
#include "ka_database.h"

#include <stdio.h>
#include <stdlib.h>

static int refuse(const char *command)
{
    fprintf(stderr, "%s: " KA_DATABASE_ABSENT "\n", command);
    return EXIT_FAILURE;
}

int ka_list(int argc, char *argv[])
{
    (void)argc;
    return refuse(argv[0]);
}

int ka_import(int argc, char *argv[])
{
    (void)argc;
    return refuse(argv[0]);
}

int ka_export(int argc, char *argv[])
{
    (void)argc;
    return refuse(argv[0]);
}

int ka_rekey(int argc, char *argv[])
{
    (void)argc;
    return refuse(argv[0]);
}

struct ka_database *ka_database_open(const struct ka_database_options *options,
                                     enum ka_database_use use, char fault[KA_DATABASE_FAULT_SIZE])
{
    (void)options, (void)use;
    (void)snprintf(fault, KA_DATABASE_FAULT_SIZE, KA_DATABASE_ABSENT);
    return NULL;
}

/* NOLINTBEGIN(readability-non-const-parameter): ka_database.h has them so */
struct ka_database *ka_database_put_devices(const struct ka_database_options *options,
                                            const struct devices *devices,
                                            enum ka_database_rule rule, size_t *taken,
                                            char fault[KA_DATABASE_FAULT_SIZE])
{
    (void)devices, (void)rule, (void)taken;
    return ka_database_open(options, KA_DATABASE_WRITE, fault);
}

bool ka_database_remove(struct ka_database *database, const struct ka_database_scope *scope,
                        size_t *removed, char fault[KA_DATABASE_FAULT_SIZE])
{
    (void)database, (void)scope, (void)removed, (void)fault; /* none was opened */
    return false;
}

bool ka_database_commit(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE])
{
    (void)database, (void)fault;
    return false;
}

/* NOLINTEND(readability-non-const-parameter) */

void ka_database_close(struct ka_database *database)
{
    (void)database;
}
