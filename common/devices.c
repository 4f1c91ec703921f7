/*
 * Devices in memory: rows are kept, put into order, and found
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_rows.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE ((size_t)256 * 1024) /* at least what a row can hold */

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

bool devices_keep(struct devices *devices, const struct row *row, size_t line)
{
    struct device *device = new_device(devices);

    if (device == NULL)
        return false;
    *device = (struct device){.ka_length = row->field[COLUMN_KA].length,
                              .refresh_length = row->field[COLUMN_REFRESH].length,
                              .row = line};
    return keep_text(devices, &device->identity, row->field[COLUMN_IDENTITY]) &&
           keep_text(devices, &device->ka_id, row->field[COLUMN_KA_ID]) &&
           keep(devices, &device->ks_naf, row->field[COLUMN_KS_NAF]) &&
           keep(devices, &device->ka, row->field[COLUMN_KA]) &&
           keep(devices, &device->refresh, row->field[COLUMN_REFRESH]);
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

/* The line of a row with the name of another Ka of its identity; 0: there is none. */
static size_t same_ka_id(const struct device *rows, size_t count, const char **fault)
{
    struct device *sorted = OPENSSL_memdup(rows, count * sizeof(*rows));
    size_t same = 0;

    *fault = sorted == NULL ? "out of memory" : "ka-id: this identity has it already";
    if (sorted == NULL)
        return rows[0].row;
    qsort(sorted, count, sizeof(*sorted), compare_ka_ids);
    for (size_t i = 1; i < count && same == 0; i++)
        if (sorted[i].ka_id[0] != '\0' && strcmp(sorted[i - 1].ka_id, sorted[i].ka_id) == 0)
            same = sorted[i].row;
    OPENSSL_free(sorted);
    return same;
}

/* As below, of the rows of one identity. */
static size_t odd_row(const struct device *rows, size_t count, const char **fault)
{
    for (size_t i = 1; i < count; i++)
        if (!same_ks_naf(&rows[0], &rows[i])) {
            *fault = "ks-naf: differs from an earlier row of this identity";
            return rows[i].row;
        }
    return count > 1 ? same_ka_id(rows, count, fault) : 0;
}

size_t devices_order(struct devices *devices, const char **fault)
{
    size_t first = 0, odd = 0;

    if (devices->count > 0)
        qsort(devices->rows, devices->count, sizeof(*devices->rows), compare_rows);
    while (first < devices->count && odd == 0) {
        const struct device *rows = &devices->rows[first];
        size_t count = 1;

        while (first + count < devices->count &&
               strcmp(rows[0].identity, rows[count].identity) == 0)
            count++;
        odd = odd_row(rows, count, fault);
        first += count;
    }
    return odd;
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
