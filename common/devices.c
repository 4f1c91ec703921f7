/*
 * The devices file: stands in for the BSF's answer (Zn), the AAnF's (Naanf), and a store of Ka's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"

#include "hex.h"
#include "secret_file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KA_MIN   16
#define KA_MAX   65535
#define FILE_MAX ((size_t)1 << 30) /* octets */
#define COLUMNS  4
#define HEADER   "identity,ks-naf,ka"

struct field {
    const char *text;
    size_t length;
};

/* Where the parser stands. */
struct reader {
    const char *rest;
    size_t left;
    size_t line;
    size_t columns;
    char *fault;
};

static bool wrong(struct reader *reader, const char *what)
{
    (void)snprintf(reader->fault, DEVICES_FAULT_SIZE, "line %zu: %s", reader->line, what);
    return false;
}

/* The next line, without its LF or CR LF; false at the end. */
static bool next_line(struct reader *reader, struct field *line)
{
    const char *end;

    if (reader->left == 0)
        return false;
    end = memchr(reader->rest, '\n', reader->left);
    line->text = reader->rest;
    line->length = end == NULL ? reader->left : (size_t)(end - reader->rest);
    reader->left -= line->length + (end != NULL);
    reader->rest += line->length + (end != NULL);
    if (line->length > 0 && line->text[line->length - 1] == '\r')
        line->length--;
    reader->line++;
    return true;
}

static bool split(struct reader *reader, struct field line, struct field fields[COLUMNS])
{
    size_t count = 0;

    for (;;) {
        const char *comma = memchr(line.text, ',', line.length);
        const size_t length = comma == NULL ? line.length : (size_t)(comma - line.text);

        if (count == reader->columns)
            return wrong(reader, "more fields than the header has");
        fields[count++] = (struct field){line.text, length};
        if (comma == NULL)
            break;
        line.text += length + 1;
        line.length -= length + 1;
    }
    return count == reader->columns || wrong(reader, "fewer fields than the header has");
}

static bool read_header(struct reader *reader)
{
    struct field line = {"", 0};

    (void)next_line(reader, &line);
    reader->line = 1; /* of an empty file, too */
    reader->columns = 3;
    if (line.length == strlen(HEADER) && memcmp(line.text, HEADER, line.length) == 0)
        return true;
    reader->columns = 4;
    return (line.length == strlen(HEADER ",ka-id") &&
            memcmp(line.text, HEADER ",ka-id", line.length) == 0) ||
           wrong(reader,
                 "the header is wrong, identity,ks-naf,ka or identity,ks-naf,ka,ka-id wanted");
}

static bool copy_text(struct reader *reader, char *text, struct field field, const char *fault)
{
    if (field.length > DEVICE_TEXT_MAX)
        return wrong(reader, fault);
    for (size_t i = 0; i < field.length; i++) {
        const unsigned char c = (unsigned char)field.text[i];

        if (c <= ' ' || c == '"' || c == 0x7F)
            return wrong(reader, fault);
    }
    memcpy(text, field.text, field.length);
    text[field.length] = '\0';
    return true;
}

static bool read_ka(struct reader *reader, struct device *device, struct field field)
{
    const size_t length = field.length / 2;

    if (field.length == 0)
        return true;
    if (length < KA_MIN || length > KA_MAX)
        return wrong(reader, "ka: the hex of 16 to 65535 octets, or nothing, wanted");
    device->ka = OPENSSL_malloc(length);
    device->ka_length = length;
    if (device->ka == NULL)
        return wrong(reader, "out of memory");
    return hex_decode(device->ka, field.text, field.length) || wrong(reader, "ka: not hex");
}

static bool read_row(struct reader *reader, struct device *device, struct field line)
{
    struct field fields[COLUMNS] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};

    if (!split(reader, line, fields))
        return false;
    if (fields[0].length == 0)
        return wrong(reader, "identity: empty, a B-TID or A-KID wanted");
    if (fields[1].length != (size_t)2 * KS_NAF_LENGTH ||
        !hex_decode(device->ks_naf, fields[1].text, fields[1].length))
        return wrong(reader, "ks-naf: 64 hex digits wanted");
    return copy_text(reader, device->identity, fields[0],
                     "identity: 1 to 255 octets without blanks and quotes wanted") &&
           read_ka(reader, device, fields[2]) &&
           copy_text(reader, device->ka_id, fields[3],
                     "ka-id: 0 to 255 octets without blanks and quotes wanted");
}

static int compare_rows(const void *one, const void *other)
{
    const struct device *a = one, *b = other;
    const int order = strcmp(a->identity, b->identity);

    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

/* Rows of one identity share its Ks_NAF, and no two of its Ka's the same name. */
static bool rows_agree(struct reader *reader, const struct devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        for (size_t j = i + 1; j < devices->count; j++) {
            const struct device *one = &devices->rows[i], *other = &devices->rows[j];

            if (strcmp(one->identity, other->identity) != 0)
                break;
            reader->line = other->row;
            if (CRYPTO_memcmp(one->ks_naf, other->ks_naf, KS_NAF_LENGTH) != 0)
                return wrong(reader, "ks-naf: differs from the identity's row before");
            if (one->ka_id[0] != '\0' && strcmp(one->ka_id, other->ka_id) == 0)
                return wrong(reader, "ka-id: the identity has it already");
        }
    return true;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t count = 1;

    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

static bool read_rows(struct reader *reader, struct devices *devices)
{
    struct field line;

    if (!read_header(reader))
        return false;
    while (next_line(reader, &line)) {
        devices->rows[devices->count].row = reader->line;
        if (!read_row(reader, &devices->rows[devices->count++], line))
            return false;
    }
    qsort(devices->rows, devices->count, sizeof(*devices->rows), compare_rows);
    return rows_agree(reader, devices);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written to through the reader */
struct devices *devices_parse(const char *text, size_t length, char fault[DEVICES_FAULT_SIZE])
{
    struct reader reader = {.rest = text, .left = length, .fault = fault};
    struct devices *devices = OPENSSL_zalloc(sizeof(*devices));

    if (devices != NULL)
        devices->rows = OPENSSL_zalloc(count_lines(text, length) * sizeof(*devices->rows));
    if (devices == NULL || devices->rows == NULL)
        (void)wrong(&reader, "out of memory");
    else if (read_rows(&reader, devices))
        return devices;
    devices_free(devices);
    return NULL;
}

struct devices *devices_read(const char *path, bool insecure)
{
    static const struct secret_file kind = {"devices file", FILE_MAX, "insecure-devices"};
    char fault[DEVICES_FAULT_SIZE];
    struct devices *devices = NULL;
    size_t length = 0;
    char *text = secret_file_read(&kind, path, insecure, &length);

    if (text == NULL)
        return NULL;
    devices = devices_parse(text, length, fault);
    if (devices == NULL)
        fprintf(stderr, "devices file %s: %s\n", path, fault);
    secret_file_free(text, length);
    return devices;
}

static int compare_identity(const void *identity, const void *row)
{
    return strcmp(identity, ((const struct device *)row)->identity);
}

const struct device *devices_find(const struct devices *devices, const char *identity)
{
    const struct device *found = devices->count == 0
                                     ? NULL
                                     : bsearch(identity, devices->rows, devices->count,
                                               sizeof(*devices->rows), compare_identity);

    while (found != NULL && found > devices->rows && strcmp(found[-1].identity, identity) == 0)
        found--;
    return found;
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
    for (size_t i = 0; i < devices->count; i++)
        OPENSSL_clear_free(devices->rows[i].ka, devices->rows[i].ka_length);
    OPENSSL_clear_free(devices->rows, devices->count * sizeof(*devices->rows));
    OPENSSL_free(devices);
}
