/*
 * HTTP/2 (RFC 9113) on connections that were accepted: http_server.h's requests and replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/http2_server.h"

#include "queue.h"
#include "server/http_server.h"

#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define STREAMS_MAX 8 /* requests that a client may have begun */
#define FIELDS_MAX  4 /* of a reply's head */
#define STEPS       8 /* that a connection takes before others have their turn */

/* A request, from its first header until its reply is written. */
struct stream {
    LIST_ENTRY(stream) next;   /* of all */
    TAILQ_ENTRY(stream) place; /* while it is whole, and waits to be served */
    int32_t id;
    bool is_waiting;
    int status; /* of the reply, if the request is refused; else 0 */
    size_t head_octets, sent;
    struct received_request request;
    char body[HTTP_REQUEST_BODY_MAX], *reply;
};

struct http2 {
    struct http_connection *http;
    nghttp2_session *session;
    LIST_HEAD(, stream) streams;
    TAILQ_HEAD(, stream) waiting;
    struct stream *served; /* NULL: none, or its client has given it up */
    size_t begun;
};

/* What nghttp2 calls */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2 *http2 = context;
    struct stream *stream;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = OPENSSL_zalloc(sizeof(*stream));
    if (stream == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    stream->id = frame->hd.stream_id;
    stream->request.body = stream->body;
    LIST_INSERT_HEAD(&http2->streams, stream, next);
    if (http2->begun++ == 0)
        connection_set_deadline(&http2->http->connection,
                                http2->http->connection.worker->server->limits.line);
    return nghttp2_session_set_stream_user_data(session, stream->id, stream);
}

/* Of length octets, with a NUL behind them; false: they are too many. */
static bool copy(char *to, size_t size, const uint8_t *octets, size_t length)
{
    if (length >= size || memchr(octets, '\0', length) != NULL)
        return false;
    memcpy(to, octets, length);
    to[length] = '\0';
    return true;
}

static void take_field(struct stream *stream, const char *name, const uint8_t *value, size_t length)
{
    struct received_request *request = &stream->request;
    const uint8_t *query = memchr(value, '?', length);

    if (strcmp(name, ":method") == 0 &&
        !copy(request->method, sizeof(request->method), value, length))
        stream->status = 501;
    else if (strcmp(name, ":path") == 0 && !copy(request->path, sizeof(request->path), value,
                                                 query == NULL ? length : (size_t)(query - value)))
        stream->status = 414;
    else if (strcmp(name, "content-type") == 0 &&
             !copy(request->content_type, sizeof(request->content_type), value, length))
        stream->status = 431;
}

/* nghttp2 ensures that the name ends with a NUL. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                     void *context)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags, (void)context;
    if (stream == NULL)
        return 0;
    stream->head_octets += name_length + length;
    if (stream->head_octets > HTTP_REQUEST_HEAD_MAX)
        stream->status = 431;
    else
        take_field(stream, (const char *)name, value, length);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *octets,
                   size_t length, void *context)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);

    (void)flags, (void)context;
    if (stream == NULL)
        return 0;
    if (length > HTTP_REQUEST_BODY_MAX - stream->request.body_length) {
        stream->status = 413;
        return 0;
    }
    memcpy(stream->body + stream->request.body_length, octets, length);
    stream->request.body_length += length;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2 *http2 = context;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

    if (stream == NULL || !may_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    stream->is_waiting = true;
    TAILQ_INSERT_TAIL(&http2->waiting, stream, place);
    return 0;
}

static void stream_free(struct http2 *http2, struct stream *stream)
{
    if (stream->is_waiting)
        TAILQ_REMOVE(&http2->waiting, stream, place);
    if (http2->served == stream)
        http2->served = NULL;
    LIST_REMOVE(stream, next);
    http2->begun--;
    OPENSSL_free(stream->reply);
    OPENSSL_clear_free(stream, sizeof(*stream));
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);

    (void)error;
    if (stream != NULL)
        stream_free(context, stream);
    return 0;
}

static ssize_t read_reply(nghttp2_session *session, int32_t id, uint8_t *place, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct stream *stream = source->ptr;
    const size_t left = strlen(stream->reply + stream->sent);
    const size_t length = left < room ? left : room;

    (void)session, (void)id, (void)context;
    memcpy(place, stream->reply + stream->sent, length);
    stream->sent += length;
    if (length == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)length;
}

/* A session */

static bool set_callbacks(nghttp2_session_callbacks **callbacks)
{
    if (nghttp2_session_callbacks_new(callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_begin_headers_callback(*callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(*callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(*callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(*callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(*callbacks, on_stream_close);
    return true;
}

bool http2_start(struct http_connection *http)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_REQUEST_HEAD_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP_REQUEST_SIZE},
    };
    struct http2 *http2 = OPENSSL_zalloc(sizeof(*http2));
    nghttp2_session_callbacks *callbacks = NULL;
    bool done;

    if (http2 == NULL)
        return false;
    http2->http = http;
    LIST_INIT(&http2->streams);
    TAILQ_INIT(&http2->waiting);
    done = set_callbacks(&callbacks) &&
           nghttp2_session_server_new(&http2->session, callbacks, http2) == 0 &&
           nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof(settings) / sizeof(settings[0])) == 0;
    nghttp2_session_callbacks_del(callbacks);
    if (done)
        http->http2 = http2;
    else
        http2_free(http2);
    return done;
}

void http2_free(struct http2 *http2)
{
    if (http2 == NULL)
        return;
    nghttp2_session_del(http2->session);
    while (!LIST_EMPTY(&http2->streams))
        stream_free(http2, LIST_FIRST(&http2->streams));
    OPENSSL_free(http2);
}

bool http2_is_busy(const struct http_connection *http)
{
    return http->http2->begun > 0;
}

/* Replies */

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static bool submit(struct http2 *http2, struct stream *stream, int status, const char *type)
{
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_reply};
    char shown[12];
    nghttp2_nv fields[FIELDS_MAX];
    size_t count = 0;

    (void)snprintf(shown, sizeof(shown), "%d", status);
    fields[count++] = field(":status", shown);
    if (type != NULL)
        fields[count++] = field("content-type", type);
    if (status == 405)
        fields[count++] = field("allow", http_kind_of(http2->http)->allowed);
    return nghttp2_submit_response(http2->session, stream->id, fields, count,
                                   stream->reply == NULL ? NULL : &provider) == 0;
}

void http2_reply(struct http_connection *http, int status, const char *type, const char *body)
{
    struct http2 *http2 = http->http2;
    struct stream *stream = http2->served;

    http2->served = NULL;
    if (stream == NULL) /* given up by its client */
        return;
    stream->reply = body == NULL ? NULL : OPENSSL_strdup(body);
    if ((body != NULL && stream->reply == NULL) || !submit(http2, stream, status, type))
        (void)nghttp2_session_terminate_session(http2->session, NGHTTP2_INTERNAL_ERROR);
}

void http2_drain(struct http_connection *http)
{
    nghttp2_session *session = http->http2->session;

    (void)nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
                                NULL, 0);
}

/* Frames */

static enum io_status send_frames(struct http_connection *http)
{
    const uint8_t *octets;
    ssize_t length;

    while ((length = nghttp2_session_mem_send(http->http2->session, &octets)) > 0)
        if (!http_io_add(&http->io, (const char *)octets, (size_t)length))
            return IO_ERROR;
    return length < 0 ? IO_ERROR : http_io_write(&http->io, &http->connection);
}

static enum io_status read_frames(struct http_connection *http)
{
    const enum io_status result = http_io_read(&http->io, &http->connection);
    ssize_t taken;

    if (result != IO_OK)
        return result;
    taken = nghttp2_session_mem_recv(http->http2->session, (const uint8_t *)http->io.in,
                                     http->io.in_length);
    http_io_drop(&http->io, http->io.in_length);
    return taken < 0 ? IO_ERROR : IO_OK;
}

/* True: a request is served, and its reply continues. */
static bool serve_next(struct http_connection *http)
{
    struct http2 *http2 = http->http2;
    struct stream *stream = TAILQ_FIRST(&http2->waiting);

    if (stream == NULL)
        return false;
    TAILQ_REMOVE(&http2->waiting, stream, place);
    stream->is_waiting = false;
    http2->served = stream;
    connection_finish(&http->connection);
    http->is_serving = true;
    if (stream->status != 0)
        http_reply(http, stream->status, "text/plain", http_phrase(stream->status));
    else
        http_kind_of(http)->serve(http, &stream->request);
    return true;
}

/* After an error, or a GOAWAY and the last reply. */
static bool is_over(const struct http_connection *http)
{
    nghttp2_session *session = http->http2->session;

    return !nghttp2_session_want_read(session) && !nghttp2_session_want_write(session);
}

/* All replies so far are written. */
static void begin_to_wait(struct http_connection *http)
{
    const struct limits *limits = &http->connection.worker->server->limits;

    if (http->has_replied)
        connection_set_deadline(&http->connection,
                                http2_is_busy(http) ? limits->line : limits->idle);
    http->has_replied = false;
}

static enum io_status exchange_frames(struct http_connection *http)
{
    const enum io_status result = send_frames(http);

    if (result != IO_OK)
        return result;
    if (http->is_serving) /* that the client is gone is seen when it is replied to */
        return IO_PAUSED;
    if (is_over(http))
        return IO_EOF;
    begin_to_wait(http);
    return serve_next(http) ? IO_PAUSED : read_frames(http);
}

void http2_run_requests(struct http_connection *http)
{
    struct connection *connection = &http->connection;
    enum io_status result = IO_OK;

    for (int i = 0; i < STEPS && result == IO_OK; i++)
        result = exchange_frames(http);
    if (result == IO_OK) { /* others have their turn */
        io_watch_set(&connection->watch, IO_OK, 0);
        return;
    }
    if (result == IO_WANT_READ)
        http_io_release_empty(&http->io);
    if (result == IO_EOF || result == IO_ERROR)
        connection_end(connection);
    else if (result != IO_PAUSED)
        io_watch_set(&connection->watch, result, connection->deadline);
    else if (http->is_serving)
        io_watch_set(&connection->watch, IO_PAUSED, 0);
}
