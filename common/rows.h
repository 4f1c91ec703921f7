/*
 * Rows of devices as CSV: what a header names, and one row after it
 *
 * Strict: no quotes, no blanks, no empty fields unless a caller permits them, as many fields as
 * the header has. Keys are hex, texts are UTF-8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_FAULT_SIZE 200
#define ROW_TEXT_MAX   255   /* octets of an identity, a device, a ka-id and a usage */
#define ROW_KEY_LENGTH 32    /* octets of a ks-naf */
#define ROW_KA_MIN     16    /* octets of a ka */
#define ROW_KA_MAX     65535 /* octets of a ka */

enum column {
    COLUMN_IDENTITY,       /* B-TID or A-KID */
    COLUMN_KS_NAF,         /* Ks_NAF or K_AF */
    COLUMN_KA,             /* Ka */
    COLUMN_KA_ID,          /* which Ka */
    COLUMN_NAF_FQDN,       /* this and the next three: parameters of AKMA-E2E */
    COLUMN_UA_PROTOCOL_ID, /* octets */
    COLUMN_REFRESH,        /* octets */
    COLUMN_USAGE,
    COLUMN_DEVICE,    /* whose row it is: the device's permanent name */
    COLUMN_NOT_AFTER, /* end of Ks_NAF: digits, seconds since 1970 UTC */
    COLUMNS
};

#define COLUMN_BIT(column) (1U << (column))

/* The columns that a caller accepts, and those of them that no row may leave empty. */
struct row_rules {
    unsigned int takes, needs;
};

/* The position of each column. */
struct row_layout {
    struct row_rules rules;
    size_t count;
    enum column at[COLUMNS];
};

/* Octets of a row, in the line they were read from; length 0: the field is empty or not there. */
struct row_field {
    const unsigned char *octets;
    size_t length;
};

struct row {
    struct row_field field[COLUMNS];
};

/*
 * Read a header. False: a needed column is missing, one is named twice, or the caller does not
 * accept one; fault says which.
 */
bool row_layout_read(struct row_layout *layout, const struct row_rules *rules, const char *line,
                     size_t length, char fault[ROW_FAULT_SIZE]);

/*
 * Read a row. Hex is decoded in place, so that secrets are only in the caller's line. False: fault
 * names the field that is wrong and says what is wanted, without quoting it.
 */
bool row_read(struct row *row, const struct row_layout *layout, char *line, size_t length,
              char fault[ROW_FAULT_SIZE]);

/* The end of a row's Ks_NAF, seconds since 1970 UTC; 0: the row does not say. */
int64_t row_not_after(const struct row *row);

/* May a field hold this text: is it UTF-8 without blanks, quotes and control characters? */
bool row_is_text(const char *text, size_t length);

/* The name of a column in a header. */
const char *column_name(enum column column);

#endif
