/*
 * The e2e flag, read on a device, as flag.h says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flag.h"

#include <string.h>

static const char *const names[FLAG_MEMBERS] = {"mode",  "digest",   "refresh",
                                                "usage", "identity", "ka-id"};

struct reader {
    const char *at, *end;
};

/* Skip a character that has to come next, and blanks around it. */
static int next(struct reader *reader, char wanted)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
    if (reader->at == reader->end || *reader->at != wanted)
        return 0;
    reader->at++;
    return 1;
}

/* A string in quotes, without an escape or a control character. */
static int read_text(struct reader *reader, const char **start, size_t *length)
{
    if (!next(reader, '"'))
        return 0;
    *start = reader->at;
    while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\' &&
           (unsigned char)*reader->at >= ' ')
        reader->at++;
    *length = (size_t)(reader->at - *start);
    return reader->at < reader->end && *reader->at++ == '"';
}

static int is_text(const char *start, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(start, text, length) == 0;
}

static int read_e2e(struct flag *flag, struct reader *reader)
{
    if (flag->e2e >= 0)
        return 0;
    flag->e2e = next(reader, '1');
    return flag->e2e || next(reader, '0');
}

static int read_member(struct flag *flag, struct reader *reader)
{
    const char *name;
    size_t length, i = 0;

    if (!read_text(reader, &name, &length) || !next(reader, ':'))
        return 0;
    if (is_text(name, length, "e2e"))
        return read_e2e(flag, reader);
    while (i < FLAG_MEMBERS && !is_text(name, length, names[i]))
        i++;
    return i < FLAG_MEMBERS && flag->member[i].start == NULL &&
           read_text(reader, &flag->member[i].start, &flag->member[i].length);
}

int flag_read(struct flag *flag, const char *line, size_t length)
{
    struct reader reader = {line, line + length};
    int has_text = 0, has_all = 1, i;

    memset(flag, 0, sizeof(*flag));
    flag->e2e = -1;
    if (!next(&reader, '{'))
        return 0;
    do {
        if (!read_member(flag, &reader))
            return 0;
    } while (next(&reader, ','));
    if (!next(&reader, '}') || reader.at != reader.end || flag->e2e < 0)
        return 0;
    for (i = 0; i < FLAG_MEMBERS; i++) {
        has_text |= flag->member[i].start != NULL;
        has_all &= flag->member[i].start != NULL || i == FLAG_KA_ID;
    }
    return flag->e2e == 1 ? has_all : !has_text;
}

int flag_is(const struct flag *flag, enum flag_member member, const char *text)
{
    return is_text(flag->member[member].start, flag->member[member].length, text);
}
