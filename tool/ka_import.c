/*
 * akma ka import: the Ka's of a devices file into a database
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "devices_edit.h"
#include "ka.h"
#include "ka_database.h"
#include "line_reader.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char example[] =
    "Rows are read as they come, in any number. An existing device and ka-id is\n"
    "skipped if the Ka is the same, and refused if it differs. Third parties are not\n"
    "disturbed: new rows revoke nothing.\n"
    "\n"
    "Example:\n"
    "  akma ka import --database postgresql://registrar@db.example.com/akma \\\n"
    "      --ka-key ka.key --in devices.csv";

static struct {
    struct ka_database_options database;
    const char *in;
} option = {.database.wait = DEVICES_EDIT_WAIT_DEFAULT};

static const struct option_row rows[] = {
    KA_DATABASE_ROWS(option.database, OPTION_REQUIRED),
    {"in", "CSV", &option.in, OPTION_REQUIRED, "a devices file; - is standard input"},
    {"wait", "SECONDS", &option.database.wait, OPTION_OPTIONAL,
     "how long to wait while another program writes"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

/* Where the file is read. */
struct reading {
    struct ka_database *database;
    struct row_layout layout;
    size_t line;
    char fault[KA_DATABASE_FAULT_SIZE];
};

static bool fail_line(struct reading *reading, const char *what)
{
    (void)snprintf(reading->fault, sizeof(reading->fault), "line %zu: %.500s", reading->line, what);
    return false;
}

static bool read_header(struct reading *reading, const char *line, size_t length)
{
    static const struct row_rules rules = {
        .takes = COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA) |
                 COLUMN_BIT(COLUMN_KA_ID) | COLUMN_BIT(COLUMN_DEVICE) |
                 COLUMN_BIT(COLUMN_NOT_AFTER) | COLUMN_BIT(COLUMN_REFRESH),
        .needs = COLUMN_BIT(COLUMN_IDENTITY),
    };
    char fault[ROW_FAULT_SIZE];

    if (!row_layout_read(&reading->layout, &rules, line, length, fault))
        return fail_line(reading, fault);
    for (size_t i = 0; i < reading->layout.count; i++)
        if (reading->layout.at[i] == COLUMN_KA)
            return true;
    return fail_line(reading, "the header is wrong: there is no column ka");
}

static void take_text(char text[ROW_TEXT_MAX + 1], struct row_field field)
{
    if (field.length > 0)
        memcpy(text, field.octets, field.length);
    text[field.length] = '\0';
}

static bool put_row(struct reading *reading, const struct row *row)
{
    const struct row_field *ka = &row->field[COLUMN_KA], *ks_naf = &row->field[COLUMN_KS_NAF];
    const bool is_named = row->field[COLUMN_DEVICE].length > 0;
    char device[ROW_TEXT_MAX + 1], ka_id[ROW_TEXT_MAX + 1], fault[KA_DATABASE_FAULT_SIZE];
    const char *wrong;

    if (ka->length == 0)
        return true;
    wrong = ka_keys_fault(ks_naf->length == 0 ? NULL : ks_naf->octets, ka->octets, ka->length);
    if (wrong != NULL)
        return fail_line(reading, wrong);
    take_text(device, row->field[is_named ? COLUMN_DEVICE : COLUMN_IDENTITY]);
    take_text(ka_id, row->field[COLUMN_KA_ID]);
    return ka_database_put(reading->database, device, ka_id, ka->octets, ka->length, fault) ||
           fail_line(reading, fault);
}

static bool read_lines(struct reading *reading, char *rest, size_t left)
{
    char fault[ROW_FAULT_SIZE], *line;
    struct row row;
    size_t length;

    while (line_next(&rest, &left, &line, &length)) {
        if (++reading->line == 1) {
            if (!read_header(reading, line, length))
                return false;
            continue;
        }
        if (!row_read(&row, &reading->layout, line, length, fault))
            return fail_line(reading, fault);
        if (!put_row(reading, &row))
            return false;
    }
    return true;
}

static bool read_blocks(struct reading *reading, struct line_reader *lines, char *block)
{
    enum line_reader_result result;
    size_t length;

    while ((result = line_reader_block(lines, block, &length)) == BLOCK_READ)
        if (!read_lines(reading, block, length))
            return false;
    reading->line++;
    if (result == BLOCK_END)
        return reading->line > 1 || fail_line(reading, "the header is wrong: the file is empty");
    return fail_line(reading, line_reader_says(result));
}

static bool read_file(struct reading *reading)
{
    const bool is_stdin = strcmp(option.in, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : open(option.in, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct line_reader lines = {.fd = fd};
    char *block = OPENSSL_malloc(BLOCK_SIZE);
    bool done = false;

    if (fd < 0)
        (void)snprintf(reading->fault, sizeof(reading->fault), "%s", strerror(errno));
    else if (block == NULL || !line_reader_open(&lines, fd))
        (void)snprintf(reading->fault, sizeof(reading->fault), "out of memory");
    else
        done = read_blocks(reading, &lines, block);
    if (fd >= 0) {
        line_reader_close(&lines);
        if (!is_stdin)
            (void)close(fd);
    }
    OPENSSL_clear_free(block, BLOCK_SIZE);
    return done;
}

static bool import(size_t *taken)
{
    struct reading reading = {.line = 0};
    bool done;

    reading.database = ka_database_open(&option.database, KA_DATABASE_WRITE, reading.fault);
    if (reading.database == NULL)
        return command_fail("ka import", "--database", reading.fault);
    done = read_file(&reading) || command_fail("ka import", option.in, reading.fault);
    if (done)
        done = (ka_database_take(reading.database, KA_DATABASE_IMPORT, taken, reading.fault) &&
                ka_database_commit(reading.database, reading.fault)) ||
               command_fail("ka import", "--database", reading.fault);
    ka_database_close(reading.database);
    if (done)
        printf("%zu imported, %zu there already or without a Ka\n", *taken,
               reading.line - 2 - *taken);
    return done;
}

int ka_import(int argc, char *argv[])
{
    size_t taken;

    options_parse(argc, argv, "the Ka's of a devices file into a database", groups,
                  sizeof(groups) / sizeof(groups[0]));
    return import(&taken) ? EXIT_SUCCESS : EXIT_FAILURE;
}
