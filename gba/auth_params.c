/*
 * The parameters of an HTTP authentication header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_params.h"

#include <string.h>
#include <strings.h>

#define NAME_SIZE 32

struct reader {
    const char *at, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at))
        reader->at++;
}

/* token of RFC 7230 3.2.6 */
static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A value without quotes; servers put characters into it that a token may not have (base64). */
static bool is_bare(char c)
{
    return c > ' ' && c < 0x7F && c != ',' && c != '"';
}

static bool read_name(struct reader *reader, char name[NAME_SIZE])
{
    size_t length = 0;

    while (reader->at < reader->end && is_token(*reader->at) && length < NAME_SIZE - 1)
        name[length++] = *reader->at++;
    name[length] = '\0';
    skip_blanks(reader);
    if (length == 0 || reader->at == reader->end || *reader->at != '=')
        return false;
    reader->at++;
    skip_blanks(reader);
    return true;
}

/* An octet of the value, if it is wanted. False: no room, or a control character. */
static bool append_char(struct auth_param *param, size_t *length, char c)
{
    if ((unsigned char)c < ' ' || c == 0x7F)
        return false;
    if (param == NULL)
        return true;
    if (*length + 1 >= param->size)
        return false;
    param->text[(*length)++] = c;
    param->text[*length] = '\0';
    return true;
}

static bool read_quoted(struct reader *reader, struct auth_param *param)
{
    size_t length = 0;

    for (reader->at++; reader->at < reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && ++reader->at == reader->end)
            return false;
        if (!append_char(param, &length, *reader->at))
            return false;
    }
    return reader->at < reader->end && *reader->at++ == '"';
}

static bool read_bare(struct reader *reader, struct auth_param *param)
{
    size_t length = 0;
    const char *start = reader->at;

    for (; reader->at < reader->end && is_bare(*reader->at); reader->at++)
        if (!append_char(param, &length, *reader->at))
            return false;
    return reader->at > start;
}

static bool read_param(struct reader *reader, struct auth_param *params, size_t count,
                       const char **fault)
{
    char name[NAME_SIZE];
    struct auth_param *param = NULL;

    if (!read_name(reader, name))
        return false;
    for (size_t i = 0; i < count && param == NULL; i++)
        if (strcasecmp(params[i].name, name) == 0)
            param = &params[i];
    if (param != NULL) {
        *fault = param->name;
        if (param->is_given)
            return false;
        param->is_given = true;
        param->text[0] = '\0';
    }
    return reader->at < reader->end &&
           (*reader->at == '"' ? read_quoted(reader, param) : read_bare(reader, param));
}

bool auth_params_read(const char *value, size_t length, struct auth_param *params, size_t count,
                      const char **fault)
{
    struct reader reader = {value, value + length};

    *fault = "a parameter";
    skip_blanks(&reader);
    for (;;) {
        if (!read_param(&reader, params, count, fault))
            return false;
        *fault = "a parameter";
        skip_blanks(&reader);
        if (reader.at == reader.end)
            return true;
        if (*reader.at++ != ',')
            return false;
        skip_blanks(&reader);
    }
}
