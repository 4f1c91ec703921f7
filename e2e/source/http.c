/*
 * HTTPS requests that block nobody: libcurl's multi interface on a loop of libevent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http.h"

#include "net/clock.h"
#include "source/http_memory.h"
#include "source/http_pool.h"
#include "source/http_route.h"

#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS     50 /* before a request is sent for the third time; it doubles */
#define PAUSE_MAX_MS 500

/* One request on its way. */
struct transfer {
    LIST_ENTRY(transfer) next;
    struct http *http;
    CURL *easy;
    struct http_route *route; /* NULL: it has not begun, or pauses */
    bool is_connecting;       /* curl does not have it yet */
    struct curl_slist *headers;
    char *url;
    struct event begin;    /* soon, or after a pause */
    bool has_moved;        /* from a connection that others got no answer over */
    unsigned int failures; /* one after the other */
    int64_t began, until;  /* clock_ms() */
    http_done *done;
    void *context;
    char *body;
    size_t length, header_octets;
    bool http2;
    const char *refused; /* what our callbacks found wrong */
    char error[CURL_ERROR_SIZE];
};

struct http {
    struct tls_files *identity;
    const char *user_agent;
    struct http_pools pools;
    LIST_HEAD(, transfer) transfers;
};

bool http_start(void)
{
    return http_memory_start();
}

/* curl has it no more. */
static void leave_route(struct transfer *transfer)
{
    struct http_route *route = transfer->route;

    if (route == NULL)
        return;
    if (!transfer->is_connecting) {
        (void)curl_multi_remove_handle(route->pool->multi, transfer->easy);
        route->requests--;
    }
    route->pool->requests--;
    transfer->route = NULL;
}

static void transfer_free(struct transfer *transfer)
{
    LIST_REMOVE(transfer, next);
    (void)event_del(&transfer->begin);
    leave_route(transfer);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    OPENSSL_free(transfer->url);
    OPENSSL_clear_free(transfer->body, HTTP_BODY_MAX);
    OPENSSL_free(transfer);
}

/* curl's callback for octets of the body. */
static size_t take_body(char *octets, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const size_t length = size * count;

    if (transfer->body == NULL)
        transfer->body = OPENSSL_malloc(HTTP_BODY_MAX);
    if (transfer->body == NULL || length > HTTP_BODY_MAX - transfer->length) {
        transfer->refused = "the reply's body is too long";
        return 0;
    }
    memcpy(transfer->body + transfer->length, octets, length);
    transfer->length += length;
    return length;
}

/* curl's callback for a line of the headers: curl keeps what it needs of them. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's */
static size_t take_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const size_t length = size * count;

    (void)line;
    if (length > HTTP_BODY_MAX - transfer->header_octets) {
        transfer->refused = "the reply's headers are too long";
        return 0;
    }
    transfer->header_octets += length;
    return length;
}

/* curl's callback with a connection made, before anything is sent on it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's */
static int check_connection(void *context, char *address, char *local, int port, int local_port)
{
    struct transfer *transfer = context;
    const struct curl_tlssessioninfo *session = NULL;
    const unsigned char *protocol = NULL;
    unsigned int length = 0;

    (void)address;
    (void)local;
    (void)port;
    (void)local_port;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL)
        SSL_get0_alpn_selected(session->internals, &protocol, &length);
    transfer->route->is_http1 = length != 2 || memcmp(protocol, "h2", 2) != 0;
    if (!transfer->route->is_http1 || !transfer->http2)
        return CURL_PREREQFUNC_OK;
    transfer->refused = "the server does not speak HTTP/2, which is required here";
    return CURL_PREREQFUNC_ABORT;
}

/* curl's callback with libssl's context, before the handshake. */
static CURLcode harden(CURL *easy, void *ctx, void *context)
{
    (void)easy;
    (void)context;
    (void)SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    const size_t size = strlen(name) + strlen(value) + 1;
    char *line = OPENSSL_malloc(size);
    struct curl_slist *longer = NULL;

    if (line != NULL) {
        (void)snprintf(line, size, "%s%s", name, value);
        longer = curl_slist_append(transfer->headers, line);
    }
    OPENSSL_clear_free(line, size);
    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL;
}

static bool add_headers(struct transfer *transfer, const struct http_request *request)
{
    return add_header(transfer, "Content-Type: ", request->content_type) &&
           add_header(transfer, "Accept: ", "application/json, application/problem+json") &&
           add_header(transfer, "Expect:", "") &&
           add_header(transfer, "User-Agent: ", transfer->http->user_agent) &&
           (request->authorization == NULL ||
            add_header(transfer, "Authorization: ", request->authorization));
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool set_callbacks(struct transfer *transfer, CURL *easy)
{
    return SET(CURLOPT_PRIVATE, transfer) && SET(CURLOPT_ERRORBUFFER, transfer->error) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, transfer) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, transfer) &&
           SET(CURLOPT_PREREQFUNCTION, check_connection) && SET(CURLOPT_PREREQDATA, transfer) &&
           SET(CURLOPT_SSL_CTX_FUNCTION, harden);
}

/* curl's own copy, which it compares: a connection with other files is not used. */
static bool set_file(CURL *easy, CURLoption option, const struct tls_file *file)
{
    struct curl_blob blob = {file->octets, file->length, CURL_BLOB_COPY};

    return SET(option, &blob);
}

/* TS 33.210 6.2: TLS 1.2 at least. */
static bool set_tls(const struct tls_files *identity, CURL *easy)
{
    return SET(CURLOPT_PROTOCOLS_STR, "https") && SET(CURLOPT_PROXY, "") &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
           set_file(easy, CURLOPT_SSLCERT_BLOB, &identity->certificate) &&
           set_file(easy, CURLOPT_SSLKEY_BLOB, &identity->key) &&
           set_file(easy, CURLOPT_CAINFO_BLOB, &identity->ca) &&
           SET(CURLOPT_CAINFO, (char *)NULL) && SET(CURLOPT_CAPATH, (char *)NULL);
}

static bool set_request(struct transfer *transfer, CURL *easy, const struct http_request *request)
{
    return SET(CURLOPT_URL, request->url) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) && SET(CURLOPT_PIPEWAIT, 1L) &&
           SET(CURLOPT_HTTPHEADER, transfer->headers) && SET(CURLOPT_COPYPOSTFIELDS, request->body);
}

/* Where it goes, and what is left of its time. */
static bool set_route(const struct transfer *transfer, CURL *easy)
{
    const int64_t left = transfer->until - clock_ms();

    return http_route_use(transfer->route, easy) &&
           SET(CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
}

#undef SET

static void begin_after(struct transfer *transfer, int64_t milliseconds)
{
    loop_add_timer(&transfer->begin, milliseconds);
}

/* To the request's owner: there was nothing to send it to. */
static void fail(struct transfer *transfer, const char *why)
{
    const struct http_reply reply = {.fault = why};

    transfer->done(transfer->context, &reply);
    transfer_free(transfer);
}

/* Nothing of an answer is kept. */
static void send_again(struct transfer *transfer, int64_t pause)
{
    leave_route(transfer);
    OPENSSL_cleanse(transfer->body, transfer->body == NULL ? 0 : transfer->length);
    transfer->length = transfer->header_octets = 0;
    transfer->error[0] = '\0';
    begin_after(transfer, pause);
}

/* A pause, which doubles, before it is sent again; -1: there is no time left for it. */
static int64_t next_pause(struct transfer *transfer)
{
    const unsigned int failures = transfer->failures++;
    int64_t pause = failures == 0 ? 0 : PAUSE_MS;

    for (unsigned int i = 1; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return clock_ms() + pause < transfer->until ? pause : -1;
}

static void give_to_curl(struct transfer *transfer)
{
    struct http_route *route = transfer->route;

    if (!set_route(transfer, transfer->easy) ||
        curl_multi_add_handle(route->pool->multi, transfer->easy) != CURLM_OK) {
        fail(transfer, "out of memory");
        return;
    }
    transfer->is_connecting = false;
    route->requests++;
}

/* There is a connection, or a socket for one; or there is none to be had. */
static void on_connection(struct transfer *transfer)
{
    const struct http_route *route = transfer->route;
    int64_t pause;

    if (route->connected.fd >= 0 || route->open > 0) {
        give_to_curl(transfer);
        return;
    }
    pause = route->connected.is_unknown ? -1 : next_pause(transfer);
    if (pause >= 0)
        send_again(transfer, pause);
    else
        fail(transfer, route->connected.reason);
}

static void on_begin(evutil_socket_t fd, short what, void *context)
{
    struct transfer *transfer = context;
    struct http_pool *pool = http_pool_get(&transfer->http->pools);

    (void)fd, (void)what;
    transfer->route = pool == NULL ? NULL : http_route_get(pool, transfer->url);
    if (transfer->route == NULL) {
        fail(transfer, "out of memory");
        return;
    }
    transfer->is_connecting = true;
    pool->requests++;
    if (http_route_connect(transfer->route, transfer->until))
        on_connection(transfer);
}

/* The pools' callback. A socket is enough for all: curl has the others wait, or opens more. */
static void on_connected(struct http_route *route)
{
    struct http *http = route->pool->pools->context;
    struct transfer *transfer, *next;

    for (transfer = LIST_FIRST(&http->transfers); transfer != NULL; transfer = next) {
        next = LIST_NEXT(transfer, next);
        if (transfer->route == route && transfer->is_connecting)
            on_connection(transfer);
    }
    http_pool_touch(route->pool);
}

static bool set_up(struct transfer *transfer, const struct http_request *request)
{
    transfer->easy = curl_easy_init();
    transfer->url = OPENSSL_strdup(request->url);
    return transfer->easy != NULL && transfer->url != NULL && add_headers(transfer, request) &&
           set_callbacks(transfer, transfer->easy) &&
           set_tls(transfer->http->identity, transfer->easy) &&
           set_request(transfer, transfer->easy, request);
}

bool http_post(struct http *http, const struct http_request *request, http_done *done,
               void *context)
{
    struct transfer *transfer = OPENSSL_zalloc(sizeof(*transfer));

    if (transfer == NULL)
        return false;
    transfer->http = http;
    transfer->done = done;
    transfer->context = context;
    transfer->http2 = request->http2;
    transfer->began = clock_ms();
    transfer->until = transfer->began + request->milliseconds;
    LIST_INSERT_HEAD(&http->transfers, transfer, next);
    (void)event_assign(&transfer->begin, http->pools.loop->base, -1, 0, on_begin, transfer);
    if (!set_up(transfer, request)) {
        transfer_free(transfer);
        return false;
    }
    begin_after(transfer, 0);
    return true;
}

static void read_reply(struct http_reply *reply, CURL *easy, int64_t began)
{
    char *content_type = NULL, *location = NULL;
    curl_off_t retry_after = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type);
    (void)curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    (void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    reply->content_type = content_type;
    reply->location = location;
    if (retry_after > 0) /* a date that has passed is less */
        reply->retry_after =
            retry_after > HTTP_RETRY_MAX ? HTTP_RETRY_MAX : (unsigned int)retry_after;
    reply->milliseconds = (unsigned int)(clock_ms() - began);
}

/* The pools' callback. */
static void leave_pool(struct http_pool *pool)
{
    struct http *http = pool->pools->context;
    struct transfer *transfer, *next;

    for (transfer = LIST_FIRST(&http->transfers); transfer != NULL; transfer = next) {
        next = LIST_NEXT(transfer, next);
        if (transfer->route == NULL || transfer->route->pool != pool ||
            (!pool->is_broken && (transfer->has_moved || transfer->header_octets > 0)))
            continue;
        transfer->has_moved = true;
        send_again(transfer, 0);
    }
}

/* Does this say that a connection failed, rather than a request? */
static bool is_of_connection(CURLcode result)
{
    static const CURLcode those[] = {
        CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR, CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,      CURLE_GOT_NOTHING,       CURLE_PARTIAL_FILE,
        CURLE_HTTP2,           CURLE_HTTP2_STREAM,      CURLE_OUT_OF_MEMORY,
        CURLE_AGAIN,           CURLE_FAILED_INIT,
    };

    for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
        if (result == those[i])
            return true;
    return false;
}

/* The pools' callback. What is asked for may be asked for twice. */
static void on_finished(void *request, CURLcode result)
{
    struct transfer *transfer = request;
    struct http_pool *pool = transfer->route->pool;
    const bool failed = is_of_connection(result);
    const int64_t pause = failed && transfer->refused == NULL ? next_pause(transfer) : -1;
    struct http_reply reply = {.body = transfer->body, .length = transfer->length};

    if (failed || result == CURLE_OPERATION_TIMEDOUT)
        connector_blame(&transfer->route->connected.address, CONNECTOR_BLAME_MS);
    if (pause >= 0) {
        http_pool_retire(pool);
        send_again(transfer, pause);
        return;
    }
    read_reply(&reply, transfer->easy, transfer->began);
    if (result == CURLE_OPERATION_TIMEDOUT)
        pool->is_silent = true;
    if (transfer->refused != NULL)
        reply.fault = transfer->refused;
    else if (result != CURLE_OK)
        reply.fault = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
    transfer->done(transfer->context, &reply);
    transfer_free(transfer);
}

void http_use_identity(struct http *http, struct tls_files *identity)
{
    tls_files_free(http->identity);
    http->identity = identity;
}

struct http *http_new(struct loop *loop, struct tls_files *identity, const char *user_agent)
{
    struct http *http = OPENSSL_zalloc(sizeof(*http));

    if (http == NULL) {
        tls_files_free(identity);
        return NULL;
    }
    http->identity = identity;
    http->user_agent = user_agent;
    http_pools_init(&http->pools, loop);
    http->pools.context = http;
    http->pools.finish = on_finished;
    http->pools.leave = leave_pool;
    http->pools.connected = on_connected;
    LIST_INIT(&http->transfers);
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    while (!LIST_EMPTY(&http->transfers))
        transfer_free(LIST_FIRST(&http->transfers));
    http_pools_free(&http->pools);
    tls_files_free(http->identity);
    OPENSSL_free(http);
}
