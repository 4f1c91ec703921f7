/*
 * A list of Ka's that are revoked, although they can be derived from a master secret
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_revoked.h"

#include "ka/ka_revoked_table.h"
#include "line_reader.h"
#include "printable.h"
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Either may be empty: every device, every ka-id. */
struct row_of_list {
    const char *device, *ka_id;
};

struct ka_revoked {
    char *text;               /* what the rows point to */
    struct row_of_list *rows; /* sorted */
    size_t count;
};

static struct ka_revoked *set_fault(char fault[KA_REVOKED_FAULT_SIZE], const char *path,
                                    const char *what)
{
    (void)snprintf(fault, KA_REVOKED_FAULT_SIZE, "--ka-revoked %s: %s", PRINTABLE_PATH(path), what);
    return NULL;
}

static int compare(const void *one, const void *other)
{
    const struct row_of_list *first = one, *second = other;
    const int order = strcmp(first->device, second->device);

    return order != 0 ? order : strcmp(first->ka_id, second->ka_id);
}

static bool has_row(const struct ka_revoked *list, const char *device, const char *ka_id)
{
    const struct row_of_list wanted = {device, ka_id};

    return list->count > 0 &&
           bsearch(&wanted, list->rows, list->count, sizeof(wanted), compare) != NULL;
}

bool ka_revoked_has(const struct ka_revoked *list, const char *device, const char *ka_id)
{
    return has_row(list, device, "") || has_row(list, device, ka_id) ||
           (ka_id[0] != '\0' && has_row(list, "", ka_id));
}

void ka_revoked_new_rows(const struct ka_revoked *list, const struct ka_revoked *older,
                         void (*row)(void *argument, const char *device, const char *ka_id),
                         void *argument)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct row_of_list *fresh = &list->rows[i];

        if (!has_row(older, fresh->device, fresh->ka_id))
            row(argument, fresh->device[0] == '\0' ? NULL : fresh->device,
                fresh->ka_id[0] == '\0' ? NULL : fresh->ka_id);
    }
}

void ka_revoked_free(struct ka_revoked *list)
{
    if (list == NULL)
        return;
    OPENSSL_free(list->text);
    OPENSSL_free(list->rows);
    OPENSSL_free(list);
}

/* NULL, or why the list cannot be read from a file. */
static const char *check_status(int fd, struct stat *status)
{
    if (fstat(fd, status) != 0)
        return strerror(errno);
    if (!S_ISREG(status->st_mode))
        return "not a regular file";
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others can write it, and take rows out of it: chmod go-w it";
    return NULL;
}

/* A file's text with a NUL behind it; NULL: fault. */
static char *read_all(int fd, size_t *length, const char **fault)
{
    struct stat status;
    char *text;
    ssize_t got = 1;

    *length = 0;
    *fault = check_status(fd, &status);
    if (*fault != NULL)
        return NULL;
    text = OPENSSL_malloc((size_t)status.st_size + 1);
    if (text == NULL) {
        *fault = "out of memory";
        return NULL;
    }
    while (got > 0 && *length < (size_t)status.st_size) {
        got = read(fd, text + *length, (size_t)status.st_size - *length);
        *length += got > 0 ? (size_t)got : 0;
    }
    if (*length < (size_t)status.st_size)
        *fault = got < 0 ? strerror(errno) : "became shorter while it was read";
    text[*length] = '\0';
    return text;
}

/* A field as a text of its own, which is put at *place. */
static const char *keep_field(char **place, const struct row_field *field)
{
    char *text = *place;

    if (field->length == 0)
        return "";
    memcpy(text, field->octets, field->length);
    text[field->length] = '\0';
    *place += field->length + 1;
    return text;
}

static bool add_row(struct ka_revoked *list, const struct row *fields, char **place)
{
    const struct row_of_list row = {keep_field(place, &fields->field[COLUMN_DEVICE]),
                                    keep_field(place, &fields->field[COLUMN_KA_ID])};

    if (row.device[0] == '\0' && row.ka_id[0] == '\0')
        return false;
    list->rows[list->count++] = row;
    return true;
}

static bool say_line(char fault[KA_REVOKED_FAULT_SIZE], const char *path, size_t number,
                     const char *what)
{
    (void)snprintf(fault, KA_REVOKED_FAULT_SIZE, "--ka-revoked %s: line %zu: %s",
                   PRINTABLE_PATH(path), number, what);
    return false;
}

static bool parse(struct ka_revoked *list, const char *path, char *text, size_t length,
                  char fault[KA_REVOKED_FAULT_SIZE])
{
    static const struct row_rules rules = {
        .takes = COLUMN_BIT(COLUMN_DEVICE) | COLUMN_BIT(COLUMN_KA_ID),
    };
    char *rest = text, *place = list->text, *line, what[ROW_FAULT_SIZE];
    size_t line_length, number = 1;
    struct row_layout layout;
    struct row fields;

    if (!line_next(&rest, &length, &line, &line_length))
        return say_line(fault, path, number, "must be a header: device,ka-id");
    if (!row_layout_read(&layout, &rules, line, line_length, what))
        return say_line(fault, path, number, what);
    while (line_next(&rest, &length, &line, &line_length)) {
        number++;
        if (!row_read(&fields, &layout, line, line_length, what))
            return say_line(fault, path, number, what);
        if (!add_row(list, &fields, &place))
            return say_line(fault, path, number, "names neither a device nor a ka-id");
    }
    return length == 0 || say_line(fault, path, number + 1, line_reader_says(BLOCK_CUT));
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;

    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

struct ka_revoked *ka_revoked_parse(const char *name, char *text, size_t length,
                                    char fault[KA_REVOKED_FAULT_SIZE])
{
    struct ka_revoked *list = OPENSSL_zalloc(sizeof(*list));

    if (list != NULL) {
        list->text = OPENSSL_malloc(length + 1); /* a NUL takes the place of a comma or line end */
        list->rows = OPENSSL_malloc((count_lines(text, length) + 1) * sizeof(*list->rows));
    }
    if (list == NULL || list->text == NULL || list->rows == NULL) {
        (void)set_fault(fault, name, "out of memory");
    } else if (parse(list, name, text, length, fault)) {
        qsort(list->rows, list->count, sizeof(*list->rows), compare);
        return list;
    }
    ka_revoked_free(list);
    return NULL;
}

static struct ka_revoked *read_file(const char *path, char fault[KA_REVOKED_FAULT_SIZE])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct ka_revoked *list = NULL;
    const char *what = NULL;
    size_t length;
    char *text;

    if (fd < 0)
        return set_fault(fault, path, strerror(errno));
    text = read_all(fd, &length, &what);
    if (what != NULL)
        (void)set_fault(fault, path, what);
    else
        list = ka_revoked_parse(path, text, length, fault);
    OPENSSL_free(text);
    (void)close(fd);
    return list;
}

struct ka_revoked *ka_revoked_read(const struct ka_revoked_place *place,
                                   char fault[KA_REVOKED_FAULT_SIZE])
{
    return ka_revoked_is_in_database(place->where) ? ka_revoked_query(place, fault)
                                                   : read_file(place->where, fault);
}
