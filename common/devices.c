/*
 * The devices file: reading it, and finding a device
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"

#include "line_reader.h"
#include "private_file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASIC_COLUMNS \
    (COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA))
#define PIECE_SIZE ((size_t)256 * 1024) /* at least what a row can hold */

/* Texts and keys of all rows, in pieces that do not move. */
struct devices_store {
    struct devices_store *next;
    size_t used;
    unsigned char octets[PIECE_SIZE];
};

/* Where the parser stands. */
struct reader {
    struct row_layout layout;
    struct row_rules rules;
    size_t line, capacity;
    struct devices *devices;
    char *fault;
};

static bool wrong(struct reader *reader, const char *what)
{
    (void)snprintf(reader->fault, DEVICES_FAULT_SIZE, "line %zu: %s", reader->line, what);
    return false;
}

/* Keep octets and a NUL behind them; an empty field is kept as NULL. */
static bool keep(struct devices *devices, const unsigned char **kept, struct row_field field)
{
    struct devices_store *store = devices->store;

    *kept = NULL;
    if (field.length == 0)
        return true;
    if (store == NULL || PIECE_SIZE - store->used <= field.length) {
        store = OPENSSL_zalloc(sizeof(*store));
        if (store == NULL)
            return false;
        store->next = devices->store;
        devices->store = store;
    }
    *kept = memcpy(store->octets + store->used, field.octets, field.length);
    store->used += field.length + 1; /* the NUL is there */
    return true;
}

static bool keep_text(struct devices *devices, const char **kept, struct row_field field)
{
    const unsigned char *octets = NULL;
    const bool done = keep(devices, &octets, field);

    *kept = octets == NULL ? "" : (const char *)octets;
    return done;
}

static struct device *new_device(struct reader *reader)
{
    struct devices *devices = reader->devices;

    if (devices->count == reader->capacity) {
        const size_t capacity = reader->capacity == 0 ? 16 : 2 * reader->capacity;
        struct device *rows = OPENSSL_realloc(devices->rows, capacity * sizeof(*rows));

        if (rows == NULL)
            return NULL;
        devices->rows = rows;
        reader->capacity = capacity;
    }
    return &devices->rows[devices->count++];
}

static bool keep_row(struct reader *reader, const struct row *row)
{
    struct devices *devices = reader->devices;
    struct device *device = new_device(reader);

    if (device == NULL)
        return wrong(reader, "out of memory");
    *device = (struct device){.ka_length = row->field[COLUMN_KA].length,
                              .refresh_length = row->field[COLUMN_REFRESH].length,
                              .row = reader->line};
    return (keep_text(devices, &device->identity, row->field[COLUMN_IDENTITY]) &&
            keep_text(devices, &device->ka_id, row->field[COLUMN_KA_ID]) &&
            keep(devices, &device->ks_naf, row->field[COLUMN_KS_NAF]) &&
            keep(devices, &device->ka, row->field[COLUMN_KA]) &&
            keep(devices, &device->refresh, row->field[COLUMN_REFRESH])) ||
           wrong(reader, "out of memory");
}

static bool read_header(struct reader *reader, const char *line, size_t length)
{
    const enum column *at = reader->layout.at;
    char fault[ROW_FAULT_SIZE];

    if (!row_layout_read(&reader->layout, &reader->rules, line, length, fault))
        return wrong(reader, fault);
    return (reader->layout.count >= 3 && at[0] == COLUMN_IDENTITY && at[1] == COLUMN_KS_NAF &&
            at[2] == COLUMN_KA) ||
           wrong(reader, "the header is wrong: identity,ks-naf,ka must come first, in this order");
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
            return wrong(reader, fault);
        if (!keep_row(reader, &row))
            return false;
    }
    return true;
}

static int compare_rows(const void *one, const void *other)
{
    const struct device *a = one, *b = other;
    const int order = strcmp(a->identity, b->identity);

    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static int compare_ka_ids(const void *one, const void *other)
{
    const struct device *a = one, *b = other;
    const int order = strcmp(a->ka_id, b->ka_id);

    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static bool same_ks_naf(const struct device *one, const struct device *other)
{
    if (one->ks_naf == NULL || other->ks_naf == NULL)
        return one->ks_naf == other->ks_naf;
    return CRYPTO_memcmp(one->ks_naf, other->ks_naf, KS_NAF_LENGTH) == 0;
}

/* No two Ka's of one identity have the same name. */
static bool ka_ids_differ(struct reader *reader, const struct device *rows, size_t count)
{
    struct device *sorted = OPENSSL_memdup(rows, count * sizeof(*rows));
    size_t same = 0;

    if (sorted == NULL)
        return wrong(reader, "out of memory");
    qsort(sorted, count, sizeof(*sorted), compare_ka_ids);
    for (size_t i = 1; i < count && same == 0; i++)
        if (sorted[i].ka_id[0] != '\0' && strcmp(sorted[i - 1].ka_id, sorted[i].ka_id) == 0)
            same = sorted[i].row;
    OPENSSL_free(sorted);
    if (same == 0)
        return true;
    reader->line = same;
    return wrong(reader, "ka-id: this identity has it already");
}

/* Rows of one identity share its Ks_NAF. */
static bool rows_agree(struct reader *reader)
{
    const struct devices *devices = reader->devices;
    size_t first = 0;

    for (size_t i = 1; i <= devices->count; i++) {
        const struct device *row = &devices->rows[i];

        if (i < devices->count && strcmp(devices->rows[first].identity, row->identity) == 0) {
            reader->line = row->row;
            if (!same_ks_naf(&devices->rows[first], row))
                return wrong(reader, "ks-naf: differs from an earlier row of this identity");
            continue;
        }
        if (i - first > 1 && !ka_ids_differ(reader, &devices->rows[first], i - first))
            return false;
        first = i;
    }
    return true;
}

static bool finish(struct reader *reader)
{
    struct devices *devices = reader->devices;

    if (reader->line == 0) {
        reader->line = 1;
        return wrong(reader, "the header is wrong: the file is empty");
    }
    if (devices->count > 0)
        qsort(devices->rows, devices->count, sizeof(*devices->rows), compare_rows);
    return rows_agree(reader);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written to through the reader */
static bool start(struct reader *reader, const struct devices_rules *rules, char *fault)
{
    const unsigned int takes = BASIC_COLUMNS | COLUMN_BIT(COLUMN_KA_ID) | rules->extra;

    *reader = (struct reader){
        .rules = {.takes = takes, .needs = COLUMN_BIT(COLUMN_IDENTITY) | rules->needs},
        .devices = OPENSSL_zalloc(sizeof(*reader->devices)),
        .fault = fault,
    };
    return reader->devices != NULL || wrong(reader, "out of memory");
}

static struct devices *give(struct reader *reader, bool done)
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
        done = wrong(&reader, line_reader_says(BLOCK_CUT));
    }
    return give(&reader, done && finish(&reader));
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
    return wrong(reader, line_reader_says(result));
}

struct devices *devices_read(const char *path, const struct devices_rules *rules,
                             char fault[DEVICES_FAULT_SIZE])
{
    const int fd = private_file_open(path, rules->insecure, fault);
    struct line_reader lines = {.fd = fd};
    struct reader reader = {.devices = NULL};
    char *block = OPENSSL_malloc(BLOCK_SIZE);
    bool done = false;

    if (fd < 0)
        goto end;
    if (start(&reader, rules, fault) && block != NULL && line_reader_open(&lines, fd))
        done = read_blocks(&reader, &lines, block);
    else
        (void)wrong(&reader, "out of memory");
    line_reader_close(&lines);
    (void)close(fd);
end:
    OPENSSL_clear_free(block, BLOCK_SIZE);
    return give(&reader, done);
}

const struct device *devices_find(const struct devices *devices, const char *identity)
{
    size_t first = 0, end = devices->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;

        if (strcmp(devices->rows[middle].identity, identity) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first < devices->count && strcmp(devices->rows[first].identity, identity) == 0
               ? &devices->rows[first]
               : NULL;
}

const struct device *devices_ka(const struct devices *devices, const struct device *device,
                                const char *ka_id)
{
    const struct device *const end = devices->rows + devices->count;
    const struct device *meant = NULL;

    for (const struct device *row = device; row < end; row++) {
        if (strcmp(row->identity, device->identity) != 0)
            break;
        if (row->ka != NULL && (ka_id == NULL || strcmp(row->ka_id, ka_id) == 0))
            meant = row;
    }
    return meant;
}

void devices_free(struct devices *devices)
{
    if (devices == NULL)
        return;
    while (devices->store != NULL) {
        struct devices_store *next = devices->store->next;

        OPENSSL_clear_free(devices->store, sizeof(*devices->store));
        devices->store = next;
    }
    OPENSSL_free(devices->rows);
    OPENSSL_free(devices);
}
