/*
 * HTTPS requests that block nobody: libcurl's multi interface on a loop of libevent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"

#include <curl/curl.h>
#include <limits.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 8L /* to one server without HTTP/2 */

struct transfer {
    struct transfer *next, **link; /* of all that are under way */
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    http_done *done;
    void *context;
    char *body;
    size_t length, header_octets;
    bool http2;
    const char *refused; /* what our callbacks found wrong */
    char error[CURL_ERROR_SIZE];
};

struct http {
    struct event_base *base;
    struct http_identity identity;
    CURLM *multi;
    struct event *timer;
    struct transfer *transfers;
};

/* Memory that curl releases has held tokens and keys. */

static void cleanse_free(void *memory)
{
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

static void *cleanse_realloc(void *memory, size_t size)
{
    const size_t before = memory == NULL ? 0 : malloc_usable_size(memory);
    void *moved = malloc(size);

    if (moved == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(moved, memory, before < size ? before : size);
    cleanse_free(memory);
    return moved;
}

bool http_start(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, cleanse_free, cleanse_realloc, strdup,
                                calloc) == CURLE_OK;
}

/* One request */

static void transfer_free(struct transfer *transfer)
{
    if (transfer->link != NULL) {
        *transfer->link = transfer->next;
        if (transfer->next != NULL)
            transfer->next->link = transfer->link;
        (void)curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    }
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
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
    if (!transfer->http2)
        return CURL_PREREQFUNC_OK;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL)
        SSL_get0_alpn_selected(session->internals, &protocol, &length);
    if (length == 2 && memcmp(protocol, "h2", 2) == 0)
        return CURL_PREREQFUNC_OK;
    transfer->refused = "the server does not speak HTTP/2, which is a must here";
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

/* TS 33.210 6.2: TLS 1.2 at least. */
static bool set_tls(const struct http_identity *identity, CURL *easy)
{
    return SET(CURLOPT_PROTOCOLS_STR, "https") && SET(CURLOPT_PROXY, "") &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(CURLOPT_SSLCERT, identity->certificate) && SET(CURLOPT_SSLKEY, identity->key) &&
           SET(CURLOPT_CAINFO, identity->ca) && SET(CURLOPT_CAPATH, (char *)NULL);
}

static bool set_request(struct transfer *transfer, CURL *easy, const struct http_request *request)
{
    return SET(CURLOPT_URL, request->url) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_TIMEOUT_MS, (long)request->milliseconds) &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) && SET(CURLOPT_PIPEWAIT, 1L) &&
           SET(CURLOPT_HTTPHEADER, transfer->headers) && SET(CURLOPT_COPYPOSTFIELDS, request->body);
}

#undef SET

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
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL || !add_headers(transfer, request) ||
        !set_callbacks(transfer, transfer->easy) || !set_tls(&http->identity, transfer->easy) ||
        !set_request(transfer, transfer->easy, request) ||
        curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return false;
    }
    transfer->next = http->transfers;
    transfer->link = &http->transfers;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    http->transfers = transfer;
    return true;
}

static void read_reply(struct http_reply *reply, CURL *easy)
{
    char *content_type = NULL, *location = NULL;
    curl_off_t retry_after = 0, microseconds = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type);
    (void)curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    (void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    (void)curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    reply->content_type = content_type;
    reply->location = location;
    reply->retry_after = retry_after > UINT_MAX ? UINT_MAX : (unsigned int)retry_after;
    reply->milliseconds = (unsigned int)(microseconds / 1000);
}

static void finish(struct transfer *transfer, CURLcode result)
{
    struct http_reply reply = {.body = transfer->body, .length = transfer->length};

    read_reply(&reply, transfer->easy);
    if (transfer->refused != NULL)
        reply.fault = transfer->refused;
    else if (result != CURLE_OK)
        reply.fault = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
    transfer->done(transfer->context, &reply);
    transfer_free(transfer);
}

/* The loop */

static void finish_all(struct http *http)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            struct transfer *transfer = NULL;
            const CURLcode result = message->data.result;

            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            finish(transfer, result);
        }
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct http *http = context;
    const int can = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                    ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    (void)curl_multi_socket_action(http->multi, fd, can, &running);
    finish_all(http);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct http *http = context;
    int running;

    (void)fd;
    (void)what;
    (void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(http);
}

/* curl's callback: what a socket waits for. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
    struct http *http = context;
    struct event *event = watched;
    const short wanted = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                 ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);

    (void)easy;
    if (event != NULL)
        event_free(event);
    event = what == CURL_POLL_REMOVE ? NULL : event_new(http->base, fd, wanted, on_socket, http);
    (void)curl_multi_assign(http->multi, fd, event);
    return what == CURL_POLL_REMOVE || (event != NULL && event_add(event, NULL) == 0) ? 0 : -1;
}

/* curl's callback: when it wants to be called next. */
static int watch_timer(CURLM *multi, long milliseconds, void *context)
{
    const struct http *http = context;
    const struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};

    (void)multi;
    return milliseconds < 0 ? event_del(http->timer) : event_add(http->timer, &after);
}

static bool set_multi(struct http *http)
{
    CURLM *multi = http->multi;

    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_STREAMS_MAX) ==
               CURLM_OK;
}

struct http *http_new(struct event_base *base, const struct http_identity *identity)
{
    struct http *http = OPENSSL_zalloc(sizeof(*http));

    if (http == NULL)
        return NULL;
    http->base = base;
    http->identity = *identity;
    http->timer = evtimer_new(base, on_timer, http);
    http->multi = curl_multi_init();
    if (http->timer == NULL || http->multi == NULL || !set_multi(http)) {
        http_free(http);
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    while (http->transfers != NULL)
        transfer_free(http->transfers);
    (void)curl_multi_cleanup(http->multi);
    if (http->timer != NULL)
        event_free(http->timer);
    OPENSSL_free(http);
}
