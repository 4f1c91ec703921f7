/*
 * The octets of a connection of HTTP, over TLS or in plain
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/http_io.h"

#include "messages/http_request.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

static enum io_status outcome(const struct connection *connection, ssize_t result)
{
    if (connection->ssl != NULL)
        return io_status_of_ssl(connection->ssl, (int)result);
    if (result > 0)
        return IO_OK;
    return result == 0 ? IO_EOF : errno == EAGAIN || errno == EINTR ? IO_PAUSED : IO_ERROR;
}

/* Room for a request while there is one: an idle connection has no buffer. */
static bool hold_room(struct http_io *io)
{
    if (io->in == NULL)
        io->in = OPENSSL_malloc(HTTP_REQUEST_SIZE);
    return io->in != NULL;
}

enum io_status http_io_read(struct http_io *io, const struct connection *connection)
{
    const size_t room = HTTP_REQUEST_SIZE - io->in_length;
    enum io_status result;
    char *place;
    ssize_t got;

    if (!hold_room(io))
        return IO_ERROR;
    place = io->in + io->in_length;
    ERR_clear_error();
    got = connection->ssl != NULL ? SSL_read(connection->ssl, place, (int)room)
                                  : recv(connection->fd, place, room, 0);
    result = outcome(connection, got);
    if (got > 0)
        io->in_length += (size_t)got;
    return result == IO_PAUSED ? IO_WANT_READ : result;
}

enum io_status http_io_write(struct http_io *io, const struct connection *connection)
{
    while (io->out_sent < io->out_length) {
        const char *place = io->out + io->out_sent;
        const size_t left = io->out_length - io->out_sent;
        ssize_t sent;

        ERR_clear_error();
        sent = connection->ssl != NULL ? SSL_write(connection->ssl, place, (int)left)
                                       : send(connection->fd, place, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            const enum io_status result = outcome(connection, sent);

            return result == IO_PAUSED ? IO_WANT_WRITE : result;
        }
        io->out_sent += (size_t)sent;
    }
    OPENSSL_free(io->out);
    io->out = NULL;
    io->out_length = io->out_sent = 0;
    return IO_OK;
}

bool http_io_add(struct http_io *io, const char *octets, size_t length)
{
    char *larger = OPENSSL_realloc(io->out, io->out_length + length);

    if (larger == NULL)
        return false;
    if (length > 0)
        memcpy(larger + io->out_length, octets, length);
    io->out = larger;
    io->out_length += length;
    return true;
}

void http_io_drop(struct http_io *io, size_t length)
{
    io->in_length -= length;
    memmove(io->in, io->in + length, io->in_length);
    OPENSSL_cleanse(io->in + io->in_length, length);
}

void http_io_release_empty(struct http_io *io)
{
    if (io->in_length > 0)
        return;
    OPENSSL_free(io->in);
    io->in = NULL;
}

void http_io_free(struct http_io *io)
{
    OPENSSL_clear_free(io->in, io->in == NULL ? 0 : HTTP_REQUEST_SIZE);
    OPENSSL_free(io->out);
}
