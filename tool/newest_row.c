/*
 * The newest row of a device in a devices file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "newest_row.h"

#include "ka.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row_layout layout = {.count = 6,
                                         .at = {COLUMN_IDENTITY, COLUMN_KS_NAF, COLUMN_KA,
                                                COLUMN_KA_ID, COLUMN_DEVICE, COLUMN_NOT_AFTER}};

static void put_header(struct secret_buf *text)
{
    for (size_t i = 0; i < layout.count; i++) {
        secret_buf_puts(text, i == 0 ? "" : ",");
        secret_buf_puts(text, column_name(layout.at[i]));
    }
    secret_buf_puts(text, "\n");
}

/* Is the row one of a bootstrapping before, whose Ka (if it has one) the new row has as well? */
static bool is_replaced(const struct device *row, const char *device, const struct device *ka)
{
    if (strcmp(row->device, device) != 0 || row->ks_naf == NULL)
        return false;
    return row->ka == NULL ||
           (ka != NULL && strcmp(row->ka_id, ka->ka_id) == 0 && row->ka_length == ka->ka_length &&
            CRYPTO_memcmp(row->ka, ka->ka, ka->ka_length) == 0);
}

static void put_row(struct secret_buf *text, const struct device *row)
{
    const struct ka_row kept = {.identity = row->identity,
                                .ka_id = row->ka_id,
                                .device = row->device,
                                .ks_naf = row->ks_naf,
                                .ka = row->ka,
                                .ka_length = row->ka_length,
                                .not_after = row->not_after};

    ka_put_row(text, &layout, &kept);
}

static int compare_lines(const void *one, const void *other)
{
    const struct device *a = one, *b = other;

    return (a->row > b->row) - (a->row < b->row);
}

static void put_rows(struct secret_buf *text, struct devices *devices, const struct newest_row *row)
{
    const struct device *last = devices_find_device(devices, row->device);
    const struct device *with_ka = last == NULL ? NULL : devices_ka(devices, last, NULL);
    struct device ka = {.ka_id = ""};

    if (with_ka != NULL)
        ka = *with_ka;
    put_header(text);
    qsort(devices->rows, devices->count, sizeof(*devices->rows), compare_lines);
    for (size_t i = 0; i < devices->count; i++)
        if (!is_replaced(&devices->rows[i], row->device, with_ka == NULL ? NULL : &ka))
            put_row(text, &devices->rows[i]);
    ka.identity = row->identity;
    ka.device = row->device;
    ka.ks_naf = row->ks_naf;
    ka.not_after = row->not_after;
    put_row(text, &ka);
}

/* A column that would be lost. */
static bool has_other_column(const struct devices_edit *edit)
{
    for (size_t i = 0; i < edit->layout.count; i++)
        if (edit->layout.at[i] == COLUMN_REFRESH)
            return true;
    return false;
}

bool newest_row_put(const char *path, const struct newest_row *row, unsigned int wait,
                    char fault[DEVICES_EDIT_FAULT_SIZE])
{
    struct secret_buf text = {.octets = NULL};
    struct devices_edit edit;
    bool done = devices_edit_open(&edit, path, wait, fault);

    if (done && has_other_column(&edit)) {
        (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE,
                       "has a column refresh, which no bootstrapping gives: leave it out");
        done = false;
    }
    if (done) {
        put_rows(&text, edit.devices, row);
        done = devices_edit_replace(&edit, &text, fault);
    }
    secret_buf_free(&text);
    devices_edit_close(&edit);
    return done;
}
