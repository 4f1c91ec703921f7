/*
 * HTTP on connections that were accepted: HTTP/1.1, and the choice of a version
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/http_server.h"

#include "net/tls.h"
#include "server/http2_server.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

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
    return http_io_add(&http->io, head, (size_t)size) &&
           (http->is_head || http_io_add(&http->io, text, length));
}

void http_reply(struct http_connection *http, int status, const char *type, const char *body)
{
    http->is_serving = http->is_continued = false;
    http->has_replied = true;
    http->under_way = NULL;
    if (http->is_draining)
        http->stays = false;
    connection_set_deadline(&http->connection, http->connection.worker->server->limits.line);
    if (http->http2 != NULL)
        http2_reply(http, status, type, body);
    else if (!add_reply(http, status, type, body))
        http->stays = false; /* out of memory: the connection ends, which says as much */
    io_watch_set(&http->connection.watch, IO_OK, 0);
}

static void serve(struct http_connection *http, const struct received_request *request)
{
    const size_t consumed = request->consumed;

    connection_finish(&http->connection);
    http->is_serving = true;
    http->is_head = strcmp(request->method, "HEAD") == 0;
    http->stays = request->stays && !http->is_draining && !http_kind_of(http)->is_single;
    http_kind_of(http)->serve(http, request);
    http_io_drop(&http->io, consumed);
    http_io_release_empty(&http->io);
}

static void refuse_request(struct http_connection *http, int status)
{
    http->stays = false;
    http_io_drop(&http->io, http->io.in_length);
    http_reply(http, status, "text/plain", http_phrase(status));
}

/* What has come: a request, part of one, or something else. */
static enum io_status take_request(struct http_connection *http)
{
    struct received_request request;

    switch (http_request_parse(&request, http->io.in, http->io.in_length)) {
    case HTTP_WHOLE:
        serve(http, &request);
        return IO_PAUSED;
    case HTTP_BAD:
        refuse_request(http, request.status);
        return IO_PAUSED;
    case HTTP_CONTINUE:
        if (!http->is_continued && !http_io_add(&http->io, CONTINUE, strlen(CONTINUE)))
            return IO_ERROR;
        http->is_continued = true;
        return http_io_write(&http->io, &http->connection);
    default:
        if (http->io.in_length < HTTP_REQUEST_SIZE)
            return IO_OK;
        refuse_request(http, 413);
        return IO_PAUSED;
    }
}

/* Read until a request is whole. */
static enum io_status read_request(struct http_connection *http)
{
    enum io_status result = http->io.in_length > 0 ? take_request(http) : IO_OK;

    while (result == IO_OK) {
        const bool is_first = http->io.in_length == 0;

        result = http_io_read(&http->io, &http->connection);
        if (result == IO_OK && is_first)
            connection_set_deadline(&http->connection,
                                    http->connection.worker->server->limits.line);
        if (result == IO_OK)
            result = take_request(http);
    }
    if (result == IO_WANT_READ)
        http_io_release_empty(&http->io);
    return result;
}

/* The reply is written: on to the next request, or to the end. False: the end. */
static bool has_more(struct http_connection *http)
{
    http->has_replied = false;
    connection_set_deadline(&http->connection, http->connection.worker->server->limits.idle);
    return http->stays && !http->is_draining;
}

/* After what was written: may a request follow, or go on? */
static bool may_read(struct http_connection *http)
{
    return http->has_replied ? has_more(http) : !http->is_draining || http->io.in_length > 0;
}

static void run_requests(struct http_connection *http)
{
    struct connection *connection = &http->connection;
    enum io_status result = http_io_write(&http->io, &http->connection);

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
    else if (http->io.in_length == 0 && http->io.out_length == 0 && http->connection.is_finished &&
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
    connection_set_deadline(&http->connection, connection->worker->server->limits.line);
    io_watch_cancel(&connection->watch);
    io_watch_init(&connection->watch, connection->worker->loop, connection->fd, on_event, http);
    io_watch_set(&connection->watch, IO_OK, 0);
}

void http_release(struct connection *connection)
{
    struct http_connection *http = (struct http_connection *)connection;

    if (http->is_serving && http_kind_of(http)->gone != NULL)
        http_kind_of(http)->gone(http);
    http_io_free(&http->io);
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
