/*
 * HTTP on connections that were accepted: HTTP/1.1, and what HTTP/2 shares with it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/http_server_private.h"

#include "net/clock.h"
#include "net/tls.h"
#include "server/http2_server.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http_phrase(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

const struct http_kind *http_kind_of(const struct http_connection *http)
{
    return (const struct http_kind *)http->connection.kind;
}

/* Octets, with TLS or without */

static enum io_status outcome(const struct http_connection *http, ssize_t result)
{
    if (http->connection.ssl != NULL)
        return io_status_of_ssl(http->connection.ssl, (int)result);
    if (result > 0)
        return IO_OK;
    return result == 0 ? IO_EOF : errno == EAGAIN || errno == EINTR ? IO_PAUSED : IO_ERROR;
}

/* Room for a request while there is one: an idle connection has no buffer. */
static bool hold_room(struct http_connection *http)
{
    if (http->in == NULL)
        http->in = OPENSSL_malloc(HTTP_REQUEST_SIZE);
    return http->in != NULL;
}

enum io_status http_read_some(struct http_connection *http)
{
    const size_t room = HTTP_REQUEST_SIZE - http->in_length;
    enum io_status result;
    char *place;
    ssize_t got;

    if (!hold_room(http))
        return IO_ERROR;
    place = http->in + http->in_length;
    ERR_clear_error();
    got = http->connection.ssl != NULL ? SSL_read(http->connection.ssl, place, (int)room)
                                       : recv(http->connection.fd, place, room, 0);
    result = outcome(http, got);
    if (got > 0)
        http->in_length += (size_t)got;
    return result == IO_PAUSED ? IO_WANT_READ : result;
}

enum io_status http_write_all(struct http_connection *http)
{
    while (http->out_sent < http->out_length) {
        const char *place = http->out + http->out_sent;
        const size_t left = http->out_length - http->out_sent;
        ssize_t sent;

        ERR_clear_error();
        sent = http->connection.ssl != NULL ? SSL_write(http->connection.ssl, place, (int)left)
                                            : send(http->connection.fd, place, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            const enum io_status result = outcome(http, sent);

            return result == IO_PAUSED ? IO_WANT_WRITE : result;
        }
        http->out_sent += (size_t)sent;
    }
    OPENSSL_free(http->out);
    http->out = NULL;
    http->out_length = http->out_sent = 0;
    return IO_OK;
}

bool http_add(struct http_connection *http, const char *text, size_t length)
{
    char *larger = OPENSSL_realloc(http->out, http->out_length + length);

    if (larger == NULL)
        return false;
    if (length > 0)
        memcpy(larger + http->out_length, text, length);
    http->out = larger;
    http->out_length += length;
    return true;
}

/* Requests and replies */

void http_set_deadline(struct http_connection *http, unsigned int seconds)
{
    http->connection.deadline = clock_ms() + (int64_t)seconds * 1000;
}

static bool add_reply(struct http_connection *http, int status, const char *type, const char *body)
{
    const char *text = body == NULL ? "" : body;
    const size_t length = strlen(text);
    char head[320];
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\n", status, http_phrase(status));

    if (type != NULL)
        size += snprintf(head + size, sizeof(head) - (size_t)size, "Content-Type: %s\r\n", type);
    if (status == 405)
        size += snprintf(head + size, sizeof(head) - (size_t)size, "Allow: %s\r\n",
                         http_kind_of(http)->allowed);
    if (status != 204) /* RFC 9110 8.6 */
        size +=
            snprintf(head + size, sizeof(head) - (size_t)size, "Content-Length: %zu\r\n", length);
    size += snprintf(head + size, sizeof(head) - (size_t)size, "%s\r\n",
                     http->stays ? "" : "Connection: close\r\n");
    return http_add(http, head, (size_t)size) && (http->is_head || http_add(http, text, length));
}

void http_reply(struct http_connection *http, int status, const char *type, const char *body)
{
    http->is_serving = http->is_continued = false;
    http->has_replied = true;
    http->under_way = NULL;
    if (http->is_draining)
        http->stays = false;
    http_set_deadline(http, http->connection.worker->server->limits.line);
    if (http->http2 != NULL)
        http2_reply(http, status, type, body);
    else if (!add_reply(http, status, type, body))
        http->stays = false; /* out of memory: the connection ends, which says as much */
    io_watch_set(&http->connection.watch, IO_OK, 0);
}

static void drop_request(struct http_connection *http, size_t consumed)
{
    http->in_length -= consumed;
    if (http->in_length > 0) {
        memmove(http->in, http->in + consumed, http->in_length);
        return;
    }
    OPENSSL_clear_free(http->in, HTTP_REQUEST_SIZE);
    http->in = NULL;
}

static void serve(struct http_connection *http, const struct received_request *request)
{
    const size_t consumed = request->consumed;

    connection_finish(&http->connection);
    http->is_serving = true;
    http->is_head = strcmp(request->method, "HEAD") == 0;
    http->stays = request->stays && !http->is_draining && !http_kind_of(http)->is_single;
    http_kind_of(http)->serve(http, request);
    drop_request(http, consumed);
}

static void refuse_request(struct http_connection *http, int status)
{
    http->stays = false;
    http->in_length = 0;
    http_reply(http, status, "text/plain", http_phrase(status));
}

/* What has come: a request, part of one, or something else. */
static enum io_status take_request(struct http_connection *http)
{
    struct received_request request;

    switch (http_request_parse(&request, http->in, http->in_length)) {
    case HTTP_WHOLE:
        serve(http, &request);
        return IO_PAUSED;
    case HTTP_BAD:
        refuse_request(http, request.status);
        return IO_PAUSED;
    case HTTP_CONTINUE:
        if (!http->is_continued && !http_add(http, CONTINUE, strlen(CONTINUE)))
            return IO_ERROR;
        http->is_continued = true;
        return http_write_all(http);
    default:
        if (http->in_length < HTTP_REQUEST_SIZE)
            return IO_OK;
        refuse_request(http, 413);
        return IO_PAUSED;
    }
}

/* Read until a request is whole. */
static enum io_status read_request(struct http_connection *http)
{
    enum io_status result = http->in_length > 0 ? take_request(http) : IO_OK;

    while (result == IO_OK) {
        const bool is_first = http->in_length == 0;

        result = http_read_some(http);
        if (result == IO_OK && is_first)
            http_set_deadline(http, http->connection.worker->server->limits.line);
        if (result == IO_OK)
            result = take_request(http);
    }
    if (result == IO_WANT_READ && http->in_length == 0) {
        OPENSSL_free(http->in);
        http->in = NULL;
    }
    return result;
}

/* The reply is written: on to the next request, or to the end. False: the end. */
static bool has_more(struct http_connection *http)
{
    http->has_replied = false;
    http_set_deadline(http, http->connection.worker->server->limits.idle);
    return http->stays && !http->is_draining;
}

/* After what was written: may a request follow, or go on? */
static bool may_read(struct http_connection *http)
{
    return http->has_replied ? has_more(http) : !http->is_draining || http->in_length > 0;
}

static void run_requests(struct http_connection *http)
{
    struct connection *connection = &http->connection;
    enum io_status result = http_write_all(http);

    if (result == IO_OK)
        result = may_read(http) ? read_request(http) : IO_EOF;
    if (io_has_ended(result))
        connection_end(connection);
    else if (result != IO_PAUSED)
        io_watch_set(&connection->watch, result, connection->deadline);
    else if (http->is_serving) /* that the client is gone is seen when it is replied to */
        io_watch_set(&connection->watch, IO_PAUSED, 0);
}

static void on_event(void *argument, bool in_time)
{
    struct http_connection *http = argument;

    if (in_time && http->http2 != NULL)
        http2_run_requests(http);
    else if (in_time)
        run_requests(http);
    else if (http->in_length == 0 && http->out_length == 0 && http->connection.is_finished &&
             (http->http2 == NULL || !http2_is_busy(http)))
        connection_end(&http->connection);
    else
        connection_refuse(&http->connection, METRIC_REFUSED_TIMEOUT, NULL,
                          "a request, or the reading of its reply, was not complete in time");
}

void http_ready(struct connection *connection)
{
    struct http_connection *http = (struct http_connection *)connection;

    if (connection->ssl != NULL && tls_alpn_is(connection->ssl, "h2") && !http2_start(http)) {
        connection_end(connection);
        return;
    }
    http->is_open = true;
    http_set_deadline(http, connection->worker->server->limits.line);
    io_watch_cancel(&connection->watch);
    io_watch_init(&connection->watch, connection->worker->loop, connection->fd, on_event, http);
    io_watch_set(&connection->watch, IO_OK, 0);
}

void http_release(struct connection *connection)
{
    struct http_connection *http = (struct http_connection *)connection;

    if (http->is_serving && http_kind_of(http)->gone != NULL)
        http_kind_of(http)->gone(http);
    OPENSSL_clear_free(http->in, http->in == NULL ? 0 : HTTP_REQUEST_SIZE);
    OPENSSL_free(http->out);
    http2_free(http->http2);
}

void http_drain(struct connection *connection)
{
    struct http_connection *http = (struct http_connection *)connection;

    http->is_draining = true;
    if (http->http2 != NULL)
        http2_drain(http);
    if (http->is_open && !http->is_serving)
        io_watch_set(&connection->watch, IO_OK, 0);
}
