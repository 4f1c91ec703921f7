/*
 * The devices file: its text to rows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_rows.h"

#include "line_reader.h"
#include "secret_file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#define BASIC_COLUMNS \
    (COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA))

/* The parser's position. */
struct reader {
    struct row_layout layout;
    struct row_rules rules;
    size_t line;
    struct devices *devices;
    char *fault;
};

static bool set_fault(struct reader *reader, const char *what)
{
    (void)snprintf(reader->fault, DEVICES_FAULT_SIZE, "line %zu: %s", reader->line, what);
    return false;
}

static bool read_header(struct reader *reader, const char *line, size_t length)
{
    const enum column *at = reader->layout.at;
    char fault[ROW_FAULT_SIZE];

    if (!row_layout_read(&reader->layout, &reader->rules, line, length, fault))
        return set_fault(reader, fault);
    return (reader->layout.count >= 3 && at[0] == COLUMN_IDENTITY && at[1] == COLUMN_KS_NAF &&
            at[2] == COLUMN_KA) ||
           set_fault(reader,
                     "the header is wrong: identity,ks-naf,ka must come first, in this order");
}

/* Read the lines of a block; a reader begins with the header. */
static bool read_lines(struct reader *reader, char *rest, size_t left)
{
    char fault[ROW_FAULT_SIZE];
    struct row row;
    size_t length;
    char *line;

    while (line_next(&rest, &left, &line, &length)) {
        if (++reader->line == 1) {
            if (!read_header(reader, line, length))
                return false;
            continue;
        }
        if (!row_read(&row, &reader->layout, line, length, fault))
            return set_fault(reader, fault);
        if (!devices_keep(reader->devices, &row, reader->line))
            return set_fault(reader, "out of memory");
    }
    return true;
}

static bool finish(struct reader *reader)
{
    const char *fault = NULL;

    if (reader->line == 0) {
        reader->line = 1;
        return set_fault(reader, "the header is wrong: the file is empty");
    }
    reader->line = devices_order(reader->devices, &fault);
    return reader->line == 0 || set_fault(reader, fault);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written to through the reader */
static bool start(struct reader *reader, const struct devices_rules *rules, char *fault)
{
    const unsigned int takes = BASIC_COLUMNS | COLUMN_BIT(COLUMN_KA_ID) |
                               COLUMN_BIT(COLUMN_DEVICE) | COLUMN_BIT(COLUMN_NOT_AFTER) |
                               rules->extra;

    *reader = (struct reader){
        .rules = {.takes = takes, .needs = COLUMN_BIT(COLUMN_IDENTITY) | rules->needs},
        .devices = OPENSSL_zalloc(sizeof(*reader->devices)),
        .fault = fault,
    };
    return reader->devices != NULL || set_fault(reader, "out of memory");
}

static struct devices *take_devices(struct reader *reader, bool done)
{
    if (done)
        return reader->devices;
    devices_free(reader->devices);
    return NULL;
}

struct devices *devices_parse(char *text, size_t length, const struct devices_rules *rules,
                              char fault[DEVICES_FAULT_SIZE])
{
    struct reader reader;
    bool done = start(&reader, rules, fault) && read_lines(&reader, text, length);

    if (done && length > 0 && text[length - 1] != '\n') {
        reader.line++;
        done = set_fault(&reader, line_reader_says(BLOCK_CUT));
    }
    return take_devices(&reader, done && finish(&reader));
}

static bool read_blocks(struct reader *reader, struct line_reader *lines, char *block)
{
    enum line_reader_result result;
    size_t length;

    while ((result = line_reader_block(lines, block, &length)) == BLOCK_READ)
        if (!read_lines(reader, block, length))
            return false;
    if (result == BLOCK_END)
        return finish(reader);
    reader->line++;
    return set_fault(reader, line_reader_says(result));
}

struct devices *devices_read(const char *path, const struct devices_rules *rules,
                             char fault[DEVICES_FAULT_SIZE])
{
    const int fd = secret_file_open(path, rules->insecure, fault);
    struct line_reader lines = {.fd = fd};
    struct reader reader = {.devices = NULL};
    char *block = OPENSSL_malloc(BLOCK_SIZE);
    bool done = false;

    if (fd < 0)
        goto end;
    if (start(&reader, rules, fault) && block != NULL && line_reader_open(&lines, fd))
        done = read_blocks(&reader, &lines, block);
    else
        (void)set_fault(&reader, "out of memory");
    line_reader_close(&lines);
    (void)close(fd);
end:
    OPENSSL_clear_free(block, BLOCK_SIZE);
    return take_devices(&reader, done);
}
