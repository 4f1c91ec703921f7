/*
 * Ka's in PostgreSQL (examples/postgresql): one transaction, all or nothing
 *
 * A writer locks the table against other writers, for whom it waits; a reader does not wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_DATABASE_H
#define KA_DATABASE_H

#include "options.h"

#include <stdbool.h>
#include <stddef.h>

#define KA_DATABASE_FAULT_SIZE 600
#define KA_DATABASE_ABSENT     "was left out of this build, which had no libpq"

/* Where it is, as the options of a command say. */
struct ka_database_options {
    const char *uri, *key, *password_file;
    const char *wait; /* seconds for another writer */
};

/* The rows of these options, to be put among a command's. */
#define KA_DATABASE_ROWS(options, given)                                                  \
    {"database", "URI", &(options).uri, given, "PostgreSQL's address: postgresql://..."}, \
        {"ka-key", "FILE", &(options).key, OPTION_OPTIONAL,                               \
         "with --database, keys that seal its rows: lines N:<64 hex digits>; the first "  \
         "line seals, all open"},                                                         \
    {                                                                                     \
        "ka-password-file", "FILE", &(options).password_file, OPTION_OPTIONAL,            \
            "with --database, the password there (without: ~/.pgpass)"                    \
    }

/* What a command does with the table, and with the keys of its rows. */
enum ka_database_use { KA_DATABASE_NAMES, KA_DATABASE_READ, KA_DATABASE_REMOVE, KA_DATABASE_WRITE };

/* Do they go together, beside a devices file? False: said on standard error. */
bool ka_database_options_check(const char *command, const struct ka_database_options *options);

struct devices;
struct ka_database;

/* Connect, and begin. NULL: fault. Exits with EXIT_USAGE where --wait is no number. */
struct ka_database *ka_database_open(const struct ka_database_options *options,
                                     enum ka_database_use use, char fault[KA_DATABASE_FAULT_SIZE]);

/* The treatment of rows that the table already has, and of devices that it does not have. */
enum ka_database_rule {
    KA_DATABASE_ADD,     /* refused, both */
    KA_DATABASE_ADD_NEW, /* refused; taken */
    KA_DATABASE_IMPORT   /* left out if the Ka is the same, else refused; taken */
};

/* Put a Ka on its way; then have all that were put taken. False: fault. */
bool ka_database_put(struct ka_database *database, const char *device, const char *ka_id,
                     const unsigned char *ka, size_t length, char fault[KA_DATABASE_FAULT_SIZE]);
bool ka_database_take(struct ka_database *database, enum ka_database_rule rule, size_t *taken,
                      char fault[KA_DATABASE_FAULT_SIZE]);

/* Open, put all rows of a devices file that have a Ka, and have them taken. NULL: fault. */
struct ka_database *ka_database_put_devices(const struct ka_database_options *options,
                                            const struct devices *devices,
                                            enum ka_database_rule rule, size_t *taken,
                                            char fault[KA_DATABASE_FAULT_SIZE]);

/* Which rows are meant: those that agree with every member that is not NULL. */
struct ka_database_scope {
    const char *device, *ka_id;
};

/* How many rows were removed. False: fault. */
bool ka_database_remove(struct ka_database *database, const struct ka_database_scope *scope,
                        size_t *removed, char fault[KA_DATABASE_FAULT_SIZE]);

/* A row as the table has it; ka NULL: it was not asked for. */
struct ka_database_row {
    const char *device, *ka_id, *version, *created, *key;
    const unsigned char *ka;
    size_t ka_length;
};

/* False: no further rows are wanted. */
typedef bool ka_database_found(void *argument, const struct ka_database_row *row);

/* Rows by device, of each the oldest first; their Ka's unless KA_DATABASE_NAMES. False: fault. */
bool ka_database_each(struct ka_database *database, const struct ka_database_scope *scope,
                      ka_database_found *found, void *argument, char fault[KA_DATABASE_FAULT_SIZE]);

/* Reseal all rows that the first key has not sealed. False: fault. */
bool ka_database_rekey(struct ka_database *database, size_t *sealed,
                       char fault[KA_DATABASE_FAULT_SIZE]);

/* Only then is anything so. False: fault; a server that is gone meanwhile may have done it. */
bool ka_database_commit(struct ka_database *database, char fault[KA_DATABASE_FAULT_SIZE]);

/* What was not committed has not happened. NULL is fine. */
void ka_database_close(struct ka_database *database);

#endif
