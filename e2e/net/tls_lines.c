/*
 * Lines over TLS on a socket that does not block
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_lines.h"

#include "net/dtls.h"
#include "net/tls_backlog.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

const char *io_status_text(enum io_status result)
{
    static const char *const says[] = {
        [IO_OK] = "went well",
        [IO_WANT_READ] = "nothing complete arrived in time",
        [IO_WANT_WRITE] = "the other side does not read",
        [IO_WANT_EITHER] = "no data went either way within the time limit",
        [IO_PAUSED] = "no answer about its identity arrived in time",
        [IO_EOF] = "the other side closed the connection",
        [IO_TOO_LONG] = "a line is too long",
        [IO_ERROR] = "the connection failed",
    };

    return says[result];
}

bool io_has_ended(enum io_status status)
{
    return status == IO_EOF || status == IO_TOO_LONG || status == IO_ERROR;
}

enum io_status io_status_of_ssl(const SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return IO_OK;
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
    case SSL_ERROR_WANT_ASYNC:
        return IO_PAUSED;
    case SSL_ERROR_ZERO_RETURN:
        return IO_EOF;
    default:
        return IO_ERROR;
    }
}

static size_t max_length(const struct tls_lines *lines)
{
    return lines->max == 0 ? LINE_MAX_LENGTH : lines->max;
}

/* The room for a line, and its LF. */
static size_t in_size(const struct tls_lines *lines)
{
    return max_length(lines) + 1;
}

/* Release the room that holds nothing. */
static void shrink(struct tls_lines *lines)
{
    char *smaller;

    if (lines->in_length == 0) {
        OPENSSL_clear_free(lines->in, in_size(lines));
        lines->in = NULL;
    } else if ((smaller = OPENSSL_malloc(lines->in_length)) != NULL) {
        memcpy(smaller, lines->in, lines->in_length);
        OPENSSL_clear_free(lines->in, in_size(lines));
        lines->in = smaller;
    }
}

/* Room for a whole line, with what has arrived of it at its beginning. */
static bool make_room(struct tls_lines *lines)
{
    const size_t rest = lines->in_length - lines->in_taken;
    char *larger = OPENSSL_malloc(in_size(lines));

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
static bool take_line(struct tls_lines *lines, const char **line, size_t *length)
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

/* Over DTLS: libssl gives one record at a time, and the rest of one that has no room. */
static enum io_status read_datagram(struct tls_lines *lines, const char **line, size_t *length)
{
    enum io_status result;
    int got;

    if (!make_room(lines))
        return IO_ERROR;
    ERR_clear_error();
    got = SSL_read(lines->ssl, lines->in, (int)in_size(lines));
    if (got <= 0) {
        result = io_status_of_ssl(lines->ssl, got);
        shrink(lines);
        return result;
    }
    lines->in_length = lines->in_taken = (size_t)got;
    *line = lines->in;
    *length = (size_t)got;
    return *length > max_length(lines) ? IO_TOO_LONG : IO_OK;
}

enum io_status tls_lines_read(struct tls_lines *lines, const char **line, size_t *length)
{
    enum io_status result = IO_OK;

    if (SSL_is_dtls(lines->ssl))
        return read_datagram(lines, line, length);
    if (take_line(lines, line, length))
        return IO_OK;
    if (!make_room(lines))
        return IO_ERROR;
    while (result == IO_OK) {
        int got;

        if (lines->in_length > max_length(lines))
            return IO_TOO_LONG;
        ERR_clear_error();
        got = SSL_read(lines->ssl, lines->in + lines->in_length,
                       (int)(in_size(lines) - lines->in_length));
        result = io_status_of_ssl(lines->ssl, got);
        if (got > 0)
            lines->in_length += (size_t)got;
        if (got > 0 && take_line(lines, line, length))
            return IO_OK;
    }
    shrink(lines);
    return result;
}

bool tls_lines_has_begun(const struct tls_lines *lines)
{
    return lines->in_length > lines->in_taken;
}

bool tls_lines_add(struct tls_lines *lines, const char *prefix, const char *text, size_t length)
{
    const size_t prefix_length = strlen(prefix), end_length = SSL_is_dtls(lines->ssl) ? 0 : 1;
    char *place;

    if (!out_queue_make_room(&lines->out, prefix_length + length + 1))
        return false;
    place = lines->out.octets + lines->out.length;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): octets on a wire have no NUL */
    memcpy(place, prefix, prefix_length);
    memcpy(place + prefix_length, text, length);
    place[prefix_length + length] = '\n';
    lines->out.length += prefix_length + length + end_length;
    return true;
}

enum io_status tls_lines_write(struct tls_lines *lines)
{
    struct out_queue *out = &lines->out;
    int flushed = tls_backlog_flush(lines->ssl);

    if (!dtls_acquire_buffers(lines->ssl))
        return IO_ERROR;
    while (flushed == 1 && out_queue_unsent(out) > 0) {
        int sent;

        ERR_clear_error();
        sent = SSL_write(lines->ssl, out->octets + out->sent, (int)out_queue_unsent(out));
        if (sent <= 0)
            return io_status_of_ssl(lines->ssl, sent);
        out->sent += (size_t)sent;
        flushed = tls_backlog_flush(lines->ssl);
    }
    if (flushed != 1)
        return flushed == 0 ? IO_WANT_WRITE : IO_ERROR;
    out_queue_clear(out);
    return IO_OK;
}

size_t tls_lines_unwritten(const struct tls_lines *lines)
{
    return out_queue_unsent(&lines->out) + tls_backlog_length(lines->ssl);
}

void tls_lines_clear(struct tls_lines *lines)
{
    OPENSSL_clear_free(lines->in, lines->in_length);
    out_queue_clear(&lines->out);
    *lines = (struct tls_lines){.ssl = lines->ssl, .max = lines->max};
}
