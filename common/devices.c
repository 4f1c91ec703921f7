/*
 * The devices file: read whole, put into order, and searched
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"

#include "line_reader.h"
#include "secret_file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE_SIZE ((size_t)256 * 1024) /* at least what a row can hold */
#define BASIC_COLUMNS \
    (COLUMN_BIT(COLUMN_IDENTITY) | COLUMN_BIT(COLUMN_KS_NAF) | COLUMN_BIT(COLUMN_KA))

/* Rows are kept */

/* Texts and keys of all rows, in pieces that do not move. */
struct devices_store {
    struct devices_store *next;
    size_t used;
    unsigned char octets[PIECE_SIZE];
};

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

static struct device *new_device(struct devices *devices)
{
    if (devices->count == devices->capacity) {
        const size_t capacity = devices->capacity == 0 ? 16 : 2 * devices->capacity;
        struct device *rows = OPENSSL_realloc(devices->rows, capacity * sizeof(*rows));

        if (rows == NULL)
            return NULL;
        devices->rows = rows;
        devices->capacity = capacity;
    }
    return &devices->rows[devices->count++];
}

/* Keep a copy of a row, which is in that line of the file. False: out of memory. */
static bool keep_row(struct devices *devices, const struct row *row, size_t line)
{
    struct device *device = new_device(devices);

    if (device == NULL)
        return false;
    *device = (struct device){.ka_length = row->field[COLUMN_KA].length,
                              .refresh_length = row->field[COLUMN_REFRESH].length,
                              .not_after = row_not_after(row),
                              .row = line};
    if (!keep_text(devices, &device->identity, row->field[COLUMN_IDENTITY]) ||
        !keep_text(devices, &device->device, row->field[COLUMN_DEVICE]) ||
        !keep_text(devices, &device->ka_id, row->field[COLUMN_KA_ID]) ||
        !keep(devices, &device->ks_naf, row->field[COLUMN_KS_NAF]) ||
        !keep(devices, &device->ka, row->field[COLUMN_KA]) ||
        !keep(devices, &device->refresh, row->field[COLUMN_REFRESH]))
        return false;
    if (device->device[0] == '\0')
        device->device = device->identity;
    return true;
}

/* ... and put into order */

/* By one of their texts, then in the order of the file. */
static int compare(const char *text, const char *other_text, const struct device *row,
                   const struct device *other)
{
    const int order = strcmp(text, other_text);

    return order != 0 ? order : (row->row > other->row) - (row->row < other->row);
}

static int compare_identities(const void *one, const void *other)
{
    const struct device *a = one, *b = other;

    return compare(a->identity, b->identity, a, b);
}

static int compare_devices(const void *one, const void *other)
{
    const struct device *a = *(const struct device *const *)one;
    const struct device *b = *(const struct device *const *)other;

    return compare(a->device, b->device, a, b);
}

static int compare_ka_ids(const void *one, const void *other)
{
    const struct device *a = *(const struct device *const *)one;
    const struct device *b = *(const struct device *const *)other;
    const int order = strcmp(a->ka_id, b->ka_id);

    return order != 0 ? order : compare(a->identity, b->identity, a, b);
}

static bool same_ka(const struct device *one, const struct device *other)
{
    return one->ka_length == other->ka_length &&
           (one->ka_length == 0 || CRYPTO_memcmp(one->ka, other->ka, one->ka_length) == 0);
}

static bool same_ks_naf(const struct device *one, const struct device *other)
{
    if (one->ks_naf == NULL || other->ks_naf == NULL)
        return one->ks_naf == other->ks_naf;
    return CRYPTO_memcmp(one->ks_naf, other->ks_naf, KS_NAF_LENGTH) == 0;
}

/* What is wrong with two rows of a device and a ka-id; NULL: nothing. */
static const char *ka_fault(const struct device *one, const struct device *other)
{
    if (strcmp(one->identity, other->identity) == 0)
        return "ka-id: this identity has it already";
    return same_ka(one, other) ? NULL : "ka-id: this device has another Ka of that name";
}

/* For one device: the line of a row whose ka-id contradicts another row's; 0: there is none. */
static size_t odd_ka_id(const struct device **rows, size_t count, const char **fault)
{
    const struct device **sorted = OPENSSL_malloc(count * sizeof(const struct device *));
    size_t used = 0, odd = 0;

    *fault = sorted == NULL ? "out of memory" : NULL;
    if (sorted == NULL)
        return rows[0]->row;
    for (size_t i = 0; i < count; i++)
        if (rows[i]->ka_id[0] != '\0')
            sorted[used++] = rows[i];
    qsort(sorted, used, sizeof(const struct device *), compare_ka_ids);
    for (size_t i = 1; i < used && odd == 0; i++) {
        if (strcmp(sorted[i - 1]->ka_id, sorted[i]->ka_id) == 0)
            *fault = ka_fault(sorted[i - 1], sorted[i]);
        if (*fault != NULL)
            odd = sorted[i - 1]->row < sorted[i]->row ? sorted[i]->row : sorted[i - 1]->row;
    }
    OPENSSL_free(sorted);
    return odd;
}

/* The line of a row whose identity has another Ks_NAF in an earlier one; 0: there is none. */
static size_t odd_ks_naf(const struct devices *devices, const char **fault)
{
    for (size_t i = 1; i < devices->count; i++)
        if (strcmp(devices->rows[i - 1].identity, devices->rows[i].identity) == 0 &&
            !same_ks_naf(&devices->rows[i - 1], &devices->rows[i])) {
            *fault = "ks-naf: differs from an earlier row of this identity";
            return devices->rows[i].row;
        }
    return 0;
}

static bool sort_by_device(struct devices *devices)
{
    devices->by_device = OPENSSL_malloc((devices->count + 1) * sizeof(const struct device *));
    if (devices->by_device == NULL)
        return false;
    for (size_t i = 0; i < devices->count; i++)
        devices->by_device[i] = &devices->rows[i];
    qsort(devices->by_device, devices->count, sizeof(const struct device *), compare_devices);
    return true;
}

/*
 * Sort the rows. Returns 0, or the line of a row that contradicts another one: all rows of an
 * identity must have the same Ks_NAF and different ka-ids, and a ka-id must name one Ka of a
 * device. fault says what is wrong.
 */
static size_t order(struct devices *devices, const char **fault)
{
    size_t first = 0, odd = 0;

    if (devices->count > 0)
        qsort(devices->rows, devices->count, sizeof(*devices->rows), compare_identities);
    if (!sort_by_device(devices)) {
        *fault = "out of memory";
        return 1;
    }
    odd = odd_ks_naf(devices, fault);
    while (first < devices->count && odd == 0) {
        const struct device **rows = &devices->by_device[first];
        size_t count = 1;

        while (first + count < devices->count && strcmp(rows[0]->device, rows[count]->device) == 0)
            count++;
        odd = count > 1 ? odd_ka_id(rows, count, fault) : 0;
        first += count;
    }
    return odd;
}

/* Reading */

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
        if (!keep_row(reader->devices, &row, reader->line))
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
    reader->line = order(reader->devices, &fault);
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

/* Look-ups */

static const char *identity_at(const struct devices *devices, size_t place)
{
    return devices->rows[place].identity;
}

static const char *device_at(const struct devices *devices, size_t place)
{
    return devices->by_device[place]->device;
}

/* The place behind the last row of a name; 0: there is none. */
static size_t end_of(const struct devices *devices, const char *name,
                     const char *(*name_at)(const struct devices *devices, size_t place))
{
    size_t first = 0, end = devices->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;

        if (strcmp(name_at(devices, middle), name) <= 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first > 0 && strcmp(name_at(devices, first - 1), name) == 0 ? first : 0;
}

const struct device *devices_find(const struct devices *devices, const char *identity)
{
    const size_t end = end_of(devices, identity, identity_at);

    return end == 0 ? NULL : &devices->rows[end - 1];
}

const struct device *devices_find_device(const struct devices *devices, const char *device)
{
    const size_t end = end_of(devices, device, device_at);

    return end == 0 ? NULL : devices->by_device[end - 1];
}

const struct device *devices_ka(const struct devices *devices, const struct device *row,
                                const char *ka_id)
{
    size_t end = end_of(devices, row->device, device_at);

    if (ka_id == NULL && row->ka != NULL)
        return row;
    for (; end > 0 && strcmp(device_at(devices, end - 1), row->device) == 0; end--) {
        const struct device *other = devices->by_device[end - 1];

        if (other->ka != NULL && (ka_id == NULL || strcmp(other->ka_id, ka_id) == 0))
            return other;
    }
    return NULL;
}

const struct device *devices_first_of_ka(const struct devices *devices, const struct device *row)
{
    size_t end = end_of(devices, row->device, device_at);
    const struct device *first = NULL;

    for (; end > 0 && strcmp(device_at(devices, end - 1), row->device) == 0; end--) {
        const struct device *other = devices->by_device[end - 1];

        if (strcmp(other->ka_id, row->ka_id) == 0 && same_ka(row, other))
            first = other;
    }
    return first;
}

bool devices_has_ka(const struct devices *devices, const struct device *row)
{
    return devices_first_of_ka(devices, row) != NULL;
}

bool devices_expired(const struct device *row)
{
    return row->not_after != 0 && row->not_after < (int64_t)time(NULL);
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
    OPENSSL_free(devices->by_device);
    OPENSSL_free(devices->rows);
    OPENSSL_free(devices);
}
