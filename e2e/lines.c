/*
 * Lines over TLS on a socket that does not block
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lines.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define IN_SIZE (LINE_MAX_LENGTH + 1) /* and the LF */

const char *lines_says(enum lines_result result)
{
    static const char *const says[] = {
        [LINES_OK] = "went well",
        [LINES_WANT_READ] = "nothing complete came in time",
        [LINES_WANT_WRITE] = "the other side does not read",
        [LINES_END] = "the other side closed the connection",
        [LINES_TOO_LONG] = "a line is too long",
        [LINES_FAILED] = "the connection failed",
    };

    return says[result];
}

enum lines_result lines_outcome(const SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return LINES_OK;
    case SSL_ERROR_WANT_READ:
        return LINES_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return LINES_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return LINES_END;
    default:
        return LINES_FAILED;
    }
}

/* Give up the room that nothing stands in. */
static void shrink(struct lines *lines)
{
    char *smaller;

    if (lines->in_length == 0) {
        OPENSSL_clear_free(lines->in, IN_SIZE);
        lines->in = NULL;
    } else if ((smaller = OPENSSL_malloc(lines->in_length)) != NULL) {
        memcpy(smaller, lines->in, lines->in_length);
        OPENSSL_clear_free(lines->in, IN_SIZE);
        lines->in = smaller;
    }
}

/* Room for a whole line, with what has come of it at its beginning. */
static bool make_room(struct lines *lines)
{
    const size_t rest = lines->in_length - lines->in_taken;
    char *larger = OPENSSL_malloc(IN_SIZE);

    if (larger == NULL)
        return false;
    if (rest > 0)
        memcpy(larger, lines->in + lines->in_taken, rest);
    OPENSSL_clear_free(lines->in, lines->in_length);
    lines->in = larger;
    lines->in_length = rest;
    lines->in_taken = 0;
    return true;
}

/* A line of what has come already. */
static bool take_line(struct lines *lines, const char **line, size_t *length)
{
    const char *start = lines->in + lines->in_taken;
    const char *end = lines->in_length == lines->in_taken
                          ? NULL
                          : memchr(start, '\n', lines->in_length - lines->in_taken);

    if (end == NULL)
        return false;
    *line = start;
    *length = (size_t)(end - start);
    lines->in_taken += *length + 1;
    return true;
}

enum lines_result lines_read(struct lines *lines, const char **line, size_t *length)
{
    enum lines_result result = LINES_OK;

    if (take_line(lines, line, length))
        return LINES_OK;
    if (!make_room(lines))
        return LINES_FAILED;
    while (result == LINES_OK) {
        int got;

        if (lines->in_length > LINE_MAX_LENGTH)
            return LINES_TOO_LONG;
        ERR_clear_error();
        got = SSL_read(lines->ssl, lines->in + lines->in_length, (int)(IN_SIZE - lines->in_length));
        result = lines_outcome(lines->ssl, got);
        if (got > 0)
            lines->in_length += (size_t)got;
        if (got > 0 && take_line(lines, line, length))
            return LINES_OK;
    }
    shrink(lines);
    return result;
}

bool lines_has_begun(const struct lines *lines)
{
    return lines->in_length > lines->in_taken;
}

bool lines_add(struct lines *lines, const char *prefix, const char *text, size_t length)
{
    const size_t before = lines_unwritten(lines), prefix_length = strlen(prefix);
    const size_t size = before + prefix_length + length + 1;
    char *out = size > INT_MAX ? NULL : OPENSSL_malloc(size);

    if (out == NULL)
        return false;
    if (before > 0)
        memcpy(out, lines->out + lines->out_sent, before);
    memcpy(out + before, prefix, prefix_length);
    memcpy(out + before + prefix_length, text, length);
    out[size - 1] = '\n';
    OPENSSL_clear_free(lines->out, lines->out_length);
    lines->out = out;
    lines->out_length = size;
    lines->out_sent = 0;
    return true;
}

enum lines_result lines_write(struct lines *lines)
{
    while (lines_unwritten(lines) > 0) {
        int sent;

        ERR_clear_error();
        sent = SSL_write(lines->ssl, lines->out + lines->out_sent, (int)lines_unwritten(lines));
        if (sent <= 0)
            return lines_outcome(lines->ssl, sent);
        lines->out_sent += (size_t)sent;
    }
    OPENSSL_clear_free(lines->out, lines->out_length);
    lines->out = NULL;
    lines->out_length = lines->out_sent = 0;
    return LINES_OK;
}

size_t lines_unwritten(const struct lines *lines)
{
    return lines->out_length - lines->out_sent;
}

void lines_clear(struct lines *lines)
{
    OPENSSL_clear_free(lines->in, lines->in_length);
    OPENSSL_clear_free(lines->out, lines->out_length);
    *lines = (struct lines){.ssl = lines->ssl};
}
