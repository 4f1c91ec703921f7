/*
 * Rows of devices as CSV: what a header names, and one row after it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rows.h"

#include "hex.h"
#include "line_reader.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LAST_SECOND 253402300799 /* the last second of the year 9999 */

enum form { TEXT, HEX, SECONDS };

/* All that is known about a column; a refusal is its name and then `wanted`. */
static const struct {
    const char *name;
    enum form form;
    size_t min, max; /* octets of what is not empty */
    const char *wanted;
} columns[COLUMNS] = {
    [COLUMN_IDENTITY] = {"identity", TEXT, 1, ROW_TEXT_MAX,
                         "must be 1 to 255 octets of UTF-8 without blanks, commas and quotes"},
    [COLUMN_KS_NAF] = {"ks-naf", HEX, ROW_KEY_LENGTH, ROW_KEY_LENGTH, "must be 64 hex digits"},
    [COLUMN_KA] = {"ka", HEX, ROW_KA_MIN, ROW_KA_MAX, "must be the hex of 16 to 65535 octets"},
    [COLUMN_KA_ID] = {"ka-id", TEXT, 1, ROW_TEXT_MAX,
                      "must be 0 to 255 octets of UTF-8 without blanks, commas and quotes"},
    [COLUMN_NAF_FQDN] = {"naf-fqdn", TEXT, 1, 253, "must be a host name of 1 to 253 octets"},
    [COLUMN_UA_PROTOCOL_ID] = {"ua-protocol-id", HEX, 5, 5, "must be 10 hex digits"},
    [COLUMN_REFRESH] = {"refresh", HEX, 1, 255, "must be the hex of 0 to 255 octets"},
    [COLUMN_USAGE] = {"usage", TEXT, 1, ROW_TEXT_MAX,
                      "must be 0 to 255 octets of UTF-8 without blanks, commas and quotes"},
    [COLUMN_DEVICE] = {"device", TEXT, 1, ROW_TEXT_MAX,
                       "must be 0 to 255 octets of UTF-8 without blanks, commas and quotes"},
    [COLUMN_NOT_AFTER] = {"not-after", SECONDS, 1, 12,
                          "must be seconds since 1970 UTC, from 1 to 253402300799"},
};

const char *column_name(enum column column)
{
    return columns[column].name;
}

static bool set_fault(char fault[ROW_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, ROW_FAULT_SIZE, "%s", what);
    return false;
}

static bool wrong_field(char fault[ROW_FAULT_SIZE], enum column column, const char *what)
{
    (void)snprintf(fault, ROW_FAULT_SIZE, "%s: %s", columns[column].name, what);
    return false;
}

/* The next field of a line, up to a comma or the end; rest becomes NULL behind the last one. */
static const char *next_field(const char **rest, const char *end, size_t *length)
{
    const char *field = *rest;
    const char *comma = memchr(field, ',', (size_t)(end - field));

    *length = (size_t)((comma == NULL ? end : comma) - field);
    *rest = comma == NULL ? NULL : comma + 1;
    return field;
}

static enum column find_column(const char *name, size_t length)
{
    enum column column = COLUMN_IDENTITY;

    while (column < COLUMNS && (strlen(columns[column].name) != length ||
                                memcmp(columns[column].name, name, length) != 0))
        column++;
    return column;
}

/* What spreadsheets and editors do to a header, and the octets that show it. */
static const struct {
    const char *octets, *what;
} foreign_headers[] = {
    {BYTE_ORDER_MARK, BYTE_ORDER_MARK_SAYS},
    {";", "its fields are separated by semicolons; write commas"},
    {"\t", "its fields are separated by tabs; write commas"},
    {"\"", "its fields are in quotes; write them without"},
    {"'", "its fields are in quotes; write them without"},
    {" ", "there is a blank in it; write commas alone between the fields"},
};

/* UTF-16 begins with a mark of its own, or has an octet of zero in each letter. */
static bool is_utf16(const char *line, size_t length)
{
    return (length >= 2 &&
            (memcmp(line, "\xFF\xFE", 2) == 0 || memcmp(line, "\xFE\xFF", 2) == 0)) ||
           memchr(line, '\0', length) != NULL;
}

/* NULL: it is not one of those. */
static const char *foreign_header(const char *line, size_t length)
{
    if (is_utf16(line, length))
        return "it is UTF-16; write UTF-8";
    for (size_t i = 0; i < sizeof(foreign_headers) / sizeof(foreign_headers[0]); i++)
        if (memmem(line, length, foreign_headers[i].octets, strlen(foreign_headers[i].octets)) !=
            NULL)
            return foreign_headers[i].what;
    return NULL;
}

/* The field is not quoted: if the header is missing, it may be a key. */
static bool wrong_column(char fault[ROW_FAULT_SIZE], const struct row_rules *rules, size_t number)
{
    int used =
        snprintf(fault, ROW_FAULT_SIZE, "the header is wrong: its field %zu is none of", number);
    const char *before = " ";

    for (enum column column = COLUMN_IDENTITY; column < COLUMNS; column++) {
        if ((rules->takes & COLUMN_BIT(column)) != 0) {
            used += snprintf(fault + used, ROW_FAULT_SIZE - (size_t)used, "%s%s", before,
                             columns[column].name);
            before = ", ";
        }
    }
    return false;
}

bool row_layout_read(struct row_layout *layout, const struct row_rules *rules, const char *line,
                     size_t length, char fault[ROW_FAULT_SIZE])
{
    const char *const foreign = foreign_header(line, length);
    const char *end = line + length;
    unsigned int seen = 0;

    *layout = (struct row_layout){.rules = *rules};
    if (foreign != NULL) {
        (void)snprintf(fault, ROW_FAULT_SIZE, "the header is wrong: %s", foreign);
        return false;
    }
    while (line != NULL) {
        const char *name = next_field(&line, end, &length);
        const enum column column = find_column(name, length);

        if (column == COLUMNS || (rules->takes & COLUMN_BIT(column)) == 0)
            return wrong_column(fault, rules, layout->count + 1);
        if ((seen & COLUMN_BIT(column)) != 0)
            return wrong_field(fault, column, "the header is wrong: this column is named twice");
        seen |= COLUMN_BIT(column);
        layout->at[layout->count++] = column;
    }
    for (enum column column = COLUMN_IDENTITY; column < COLUMNS; column++)
        if ((rules->needs & ~seen & COLUMN_BIT(column)) != 0)
            return wrong_field(fault, column, "the header is wrong: this column is missing");
    return true;
}

/* Texts appear in logs, in other programs' files and in JSON, so no quoting may be needed. */
bool row_is_text(const char *text, size_t length)
{
    const unsigned char *octets = (const unsigned char *)text;

    return utf8_fault(octets, length) == NULL && !utf8_has_blank(octets, length) &&
           memchr(text, '"', length) == NULL;
}

/* The first invisible character: two texts that look alike would be two devices. */
static bool find_unseen(const unsigned char *text, size_t length, uint32_t *character)
{
    size_t step;

    for (; length > 0; text += step, length -= step) {
        step = utf8_character(text, length);
        if (step == 0)
            return false;
        *character = utf8_code_point(text, step);
        if (step > 1 && (utf8_fault(text, step) != NULL || utf8_has_blank(text, step)))
            return true;
    }
    return false;
}

static bool wrong_text(char fault[ROW_FAULT_SIZE], enum column column, const char *text,
                       size_t length)
{
    uint32_t character;

    if (!find_unseen((const unsigned char *)text, length, &character))
        return wrong_field(fault, column, columns[column].wanted);
    (void)snprintf(fault, ROW_FAULT_SIZE, "%s: %s; it has U+%04" PRIX32, columns[column].name,
                   columns[column].wanted, character);
    return false;
}

/* Decimal digits alone; 0 if they are none. */
static int64_t read_seconds(const unsigned char *digits, size_t length)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return 0;
        seconds = 10 * seconds + (digits[i] - '0');
    }
    return seconds;
}

int64_t row_not_after(const struct row *row)
{
    const struct row_field *field = &row->field[COLUMN_NOT_AFTER];

    return read_seconds(field->octets, field->length);
}

/* Is it hex or seconds, as the column wants? Hex is decoded in place. NULL, or what is wanted. */
static const char *digits_fault(enum column column, char *text, size_t length)
{
    const char *const wanted = columns[column].wanted;

    if (columns[column].form == SECONDS) {
        const int64_t seconds = read_seconds((const unsigned char *)text, length);

        return seconds > 0 && seconds <= LAST_SECOND ? NULL : wanted;
    }
    if (hex_decode((unsigned char *)text, text, length))
        return NULL;
    return columns[column].min == columns[column].max ? wanted
                                                      : "not hex, or an odd number of digits";
}

static bool read_field(struct row_field *field, enum column column, bool needed, char *text,
                       size_t length, char fault[ROW_FAULT_SIZE])
{
    const size_t octets = columns[column].form == HEX ? length / 2 : length;
    const char *what;

    *field = (struct row_field){(unsigned char *)text, octets};
    if (length == 0) {
        if (needed && column == COLUMN_IDENTITY)
            return wrong_field(fault, column, "empty; give a B-TID or A-KID");
        return !needed || wrong_field(fault, column, columns[column].wanted);
    }
    if (octets < columns[column].min || octets > columns[column].max)
        return wrong_field(fault, column, columns[column].wanted);
    if (columns[column].form == TEXT)
        return row_is_text(text, length) || wrong_text(fault, column, text, length);
    what = digits_fault(column, text, length);
    return what == NULL || wrong_field(fault, column, what);
}

bool row_read(struct row *row, const struct row_layout *layout, char *line, size_t length,
              char fault[ROW_FAULT_SIZE])
{
    const char *rest = line, *end = line + length;
    char *text[COLUMNS];
    size_t lengths[COLUMNS], count = 0;

    for (; rest != NULL; count++) {
        if (count == layout->count)
            return set_fault(fault, "more fields than the header has");
        text[count] = line + (rest - line);
        (void)next_field(&rest, end, &lengths[count]);
    }
    if (count < layout->count)
        return set_fault(fault, "fewer fields than the header has");
    memset(row, 0, sizeof(*row));
    for (size_t i = 0; i < count; i++) {
        const enum column column = layout->at[i];
        const bool needed = (layout->rules.needs & COLUMN_BIT(column)) != 0;

        if (!read_field(&row->field[column], column, needed, text[i], lengths[i], fault))
            return false;
    }
    return true;
}
