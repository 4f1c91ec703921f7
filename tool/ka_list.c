/*
 * akma ka list and export: what a database has, without its Ka's and with them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"
#include "ka_database.h"
#include "options.h"
#include "printable.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT ((size_t)1024 * 1024) /* octets of rows */

static const char list_example[] =
    "One line per row, the oldest of a device first: the last one counts. The key is\n"
    "the number of the line of --ka-key that seals the row. No Ka is shown.\n"
    "\n"
    "Example:\n"
    "  akma ka list --database postgresql://registrar@db.example.com/akma";

static const char export_example[] =
    "The output is a devices file without Ks_NAF, as akma ka new makes it. It has all\n"
    "Ka's in clear, so protect it in the same way.\n"
    "\n"
    "Example:\n"
    "  akma ka export --database postgresql://registrar@db.example.com/akma \\\n"
    "      --ka-key ka.key --out ka.csv";

static struct {
    struct ka_database_options database;
    const char *identity, *ka_id, *out, *force;
} option;

#define SCOPE_ROWS                                                                       \
    {"identity", "ID", &option.identity, OPTION_OPTIONAL, "rows of this device"},        \
    {                                                                                    \
        "ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "rows of the Ka's of this name" \
    }

static const struct option_row list_rows[] = {
    {"database", "URI", &option.database.uri, OPTION_REQUIRED,
     "PostgreSQL's address: postgresql://..."},
    {"ka-password-file", "FILE", &option.database.password_file, OPTION_OPTIONAL,
     "the password there (without: ~/.pgpass)"},
    SCOPE_ROWS,
};

static const struct option_row export_rows[] = {
    KA_DATABASE_ROWS(option.database, OPTION_REQUIRED),
    SCOPE_ROWS,
    {"out", "FILE", &option.out, OPTION_OPTIONAL, KA_OUT_HELP},
    {"force", NULL, &option.force, OPTION_OPTIONAL, KA_FORCE_HELP},
};

static const struct option_group list_groups[] = {OPTION_GROUP(NULL, list_rows),
                                                  {list_example, NULL, 0}},
                                 export_groups[] = {OPTION_GROUP(NULL, export_rows),
                                                    {export_example, NULL, 0}};

static int fail(const char *command, const char *where, const char *what)
{
    fprintf(stderr, "akma ka %s: %s: %s\n", command, PRINTABLE(where), what);
    return EXIT_FAILURE;
}

/* Rows on their way to a file. */
struct writing {
    int fd;
    struct secret_buf text;
    int error; /* errno; 0: none */
};

static bool flush(struct writing *writing)
{
    if (writing->text.failed)
        writing->error = ENOMEM;
    else if (!secret_file_write(writing->fd, writing->text.octets, writing->text.length))
        writing->error = errno;
    secret_buf_free(&writing->text);
    writing->text = (struct secret_buf){.octets = NULL};
    return writing->error == 0;
}

static bool put_name(void *argument, const struct ka_database_row *row)
{
    struct writing *writing = argument;
    const char *const texts[] = {row->device, ",",          row->ka_id, ",",      row->version,
                                 ",",         row->created, ",",        row->key, "\n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        secret_buf_puts(&writing->text, texts[i]);
    return writing->text.length < FLUSH_AT || flush(writing);
}

static bool put_ka(void *argument, const struct ka_database_row *found)
{
    static const struct row_layout layout = {
        .count = 4, .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA, COLUMN_KA_ID}};
    struct writing *writing = argument;

    ka_put_row(&writing->text, &layout,
               &(struct ka_row){.identity = found->device,
                                .ka_id = found->ka_id,
                                .ka = found->ka,
                                .ka_length = found->ka_length});
    return writing->text.length < FLUSH_AT || flush(writing);
}

/* All rows that are meant. False: said. */
static bool write_rows(const char *command, enum ka_database_use use, ka_database_found *put,
                       const char *header, int fd)
{
    const struct ka_database_scope scope = {option.identity, option.ka_id};
    char fault[KA_DATABASE_FAULT_SIZE];
    struct ka_database *database = ka_database_open(&option.database, use, fault);
    struct writing writing = {.fd = fd};
    bool done = database != NULL;

    secret_buf_puts(&writing.text, header);
    done = done && ka_database_each(database, &scope, put, &writing, fault);
    if (!done)
        (void)fail(command, "--database", fault);
    else if (writing.error == 0)
        (void)flush(&writing);
    if (done && writing.error != 0) {
        (void)fail(command, option.out == NULL ? "standard output" : option.out,
                   strerror(writing.error));
        done = false;
    }
    secret_buf_free(&writing.text);
    ka_database_close(database);
    return done;
}

int ka_list(int argc, char *argv[])
{
    options_parse(argc, argv, "list the rows of a database, without the Ka's", list_groups,
                  sizeof(list_groups) / sizeof(list_groups[0]));
    return write_rows("list", KA_DATABASE_NAMES, put_name, "device,ka-id,version,created,key\n",
                      STDOUT_FILENO)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static bool export_to(int fd)
{
    return write_rows("export", KA_DATABASE_READ, put_ka, "identity,ks-naf,ka,ka-id\n", fd);
}

int ka_export(int argc, char *argv[])
{
    char fault[KA_FAULT_SIZE];
    struct secret_file file;
    bool done;

    options_parse(argc, argv, "the Ka's of a database as a devices file", export_groups,
                  sizeof(export_groups) / sizeof(export_groups[0]));
    if (option.out == NULL)
        return export_to(STDOUT_FILENO) ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!ka_may_write(option.out, option.force != NULL, fault))
        return fail("export", option.out, fault);
    if (!secret_file_guard_create(&file, option.out, fault))
        return fail("export", option.out, fault);
    file.fresh = option.force == NULL;
    done = export_to(file.fd);
    if (done && !secret_file_guard_commit(&file, fault)) {
        (void)fail("export", option.out, fault);
        done = false;
    }
    secret_file_guard_discard(&file);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
