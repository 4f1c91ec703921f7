/*
 * Lines over TLS on a socket that does not block
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/wire.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define IN_SIZE (LINE_MAX_LENGTH + 1) /* and the LF */

const char *wire_says(enum wire_result result)
{
    static const char *const says[] = {
        [WIRE_OK] = "went well",
        [WIRE_WANT_READ] = "nothing complete arrived in time",
        [WIRE_WANT_WRITE] = "the other side does not read",
        [WIRE_WANT_EITHER] = "nothing went either way in time",
        [WIRE_PAUSED] = "no answer about its identity arrived in time",
        [WIRE_END] = "the other side closed the connection",
        [WIRE_TOO_LONG] = "a line is too long",
        [WIRE_FAILED] = "the connection failed",
    };

    return says[result];
}

enum wire_result wire_outcome(const SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return WIRE_OK;
    case SSL_ERROR_WANT_READ:
        return WIRE_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return WIRE_WANT_WRITE;
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
        return WIRE_PAUSED;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_END;
    default:
        return WIRE_FAILED;
    }
}

/* Give up the room that nothing stands in. */
static void shrink(struct wire *wire)
{
    char *smaller;

    if (wire->in_length == 0) {
        OPENSSL_clear_free(wire->in, IN_SIZE);
        wire->in = NULL;
    } else if ((smaller = OPENSSL_malloc(wire->in_length)) != NULL) {
        memcpy(smaller, wire->in, wire->in_length);
        OPENSSL_clear_free(wire->in, IN_SIZE);
        wire->in = smaller;
    }
}

/* Room for a whole line, with what has come of it at its beginning. */
static bool make_room(struct wire *wire)
{
    const size_t rest = wire->in_length - wire->in_taken;
    char *larger = OPENSSL_malloc(IN_SIZE);

    if (larger == NULL)
        return false;
    if (rest > 0)
        memcpy(larger, wire->in + wire->in_taken, rest);
    OPENSSL_clear_free(wire->in, wire->in_length);
    wire->in = larger;
    wire->in_length = rest;
    wire->in_taken = 0;
    return true;
}

/* A line of what has come already. */
static bool take_line(struct wire *wire, const char **line, size_t *length)
{
    const char *start = wire->in + wire->in_taken;
    const char *end = wire->in_length == wire->in_taken
                          ? NULL
                          : memchr(start, '\n', wire->in_length - wire->in_taken);

    if (end == NULL)
        return false;
    *line = start;
    *length = (size_t)(end - start);
    wire->in_taken += *length + 1;
    return true;
}

enum wire_result wire_read(struct wire *wire, const char **line, size_t *length)
{
    enum wire_result result = WIRE_OK;

    if (take_line(wire, line, length))
        return WIRE_OK;
    if (!make_room(wire))
        return WIRE_FAILED;
    while (result == WIRE_OK) {
        int got;

        if (wire->in_length > LINE_MAX_LENGTH)
            return WIRE_TOO_LONG;
        ERR_clear_error();
        got = SSL_read(wire->ssl, wire->in + wire->in_length, (int)(IN_SIZE - wire->in_length));
        result = wire_outcome(wire->ssl, got);
        if (got > 0)
            wire->in_length += (size_t)got;
        if (got > 0 && take_line(wire, line, length))
            return WIRE_OK;
    }
    shrink(wire);
    return result;
}

bool wire_has_begun(const struct wire *wire)
{
    return wire->in_length > wire->in_taken;
}

/* Room for length more octets behind those that are not written; what is written goes. */
static bool make_room_to_write(struct wire *wire, size_t length)
{
    const size_t before = wire_unwritten(wire);
    size_t size = before + length;
    char *larger;

    if (wire->out_size - wire->out_length >= length)
        return true;
    if (before > 0)
        size += size / 2; /* a queue that grows */
    larger = size > INT_MAX ? NULL : OPENSSL_malloc(size);
    if (larger == NULL)
        return false;
    if (before > 0)
        memcpy(larger, wire->out + wire->out_sent, before);
    OPENSSL_clear_free(wire->out, wire->out_length);
    wire->out = larger;
    wire->out_length = before;
    wire->out_sent = 0;
    wire->out_size = size;
    return true;
}

bool wire_add(struct wire *wire, const char *prefix, const char *text, size_t length)
{
    const size_t prefix_length = strlen(prefix);
    char *place;

    if (!make_room_to_write(wire, prefix_length + length + 1))
        return false;
    place = wire->out + wire->out_length;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): octets on a wire have no NUL */
    memcpy(place, prefix, prefix_length);
    memcpy(place + prefix_length, text, length);
    place[prefix_length + length] = '\n';
    wire->out_length += prefix_length + length + 1;
    return true;
}

enum wire_result wire_write(struct wire *wire)
{
    while (wire_unwritten(wire) > 0) {
        int sent;

        ERR_clear_error();
        sent = SSL_write(wire->ssl, wire->out + wire->out_sent, (int)wire_unwritten(wire));
        if (sent <= 0)
            return wire_outcome(wire->ssl, sent);
        wire->out_sent += (size_t)sent;
    }
    OPENSSL_clear_free(wire->out, wire->out_length);
    wire->out = NULL;
    wire->out_length = wire->out_sent = wire->out_size = 0;
    return WIRE_OK;
}

size_t wire_unwritten(const struct wire *wire)
{
    return wire->out_length - wire->out_sent;
}

void wire_clear(struct wire *wire)
{
    OPENSSL_clear_free(wire->in, wire->in_length);
    OPENSSL_clear_free(wire->out, wire->out_length);
    *wire = (struct wire){.ssl = wire->ssl};
}
