/*
 * One HTTPS request: its headers and limits, its reply, its end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_transfer.h"

#include "net/clock.h"
#include "net/tcp.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define UNHEARD_MS   5000 /* that a connection lives on while nothing it sends is acknowledged */
#define PAUSE_MS     50   /* before a request is sent for the third time; it doubles */
#define PAUSE_MAX_MS 500

/* curl has it no more. */
static void leave_pool(struct transfer *transfer)
{
    if (transfer->pool == NULL)
        return;
    (void)curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
    transfer->pool->transfers--;
    transfer->pool = NULL;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer->link != NULL) {
        *transfer->link = transfer->next;
        if (transfer->next != NULL)
            transfer->next->link = transfer->link;
        (void)event_del(&transfer->begin);
    }
    resolver_cancel(transfer->request);
    leave_pool(transfer);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->addresses);
    resolved_release(transfer->resolved);
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

/*
 * curl's callback with a new socket. A path that has come to drop everything must not hold up the
 * requests to come for a quarter of an hour, as TCP would.
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's */
static int set_up_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    (void)context;
    (void)purpose;
    tcp_user_timeout(fd, UNHEARD_MS);
    return CURL_SOCKOPT_OK;
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
           SET(CURLOPT_SOCKOPTFUNCTION, set_up_socket) &&
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
static bool set_address(struct transfer *transfer, CURL *easy)
{
    const int64_t left = transfer->until - clock_ms();

    if (transfer->resolved != NULL &&
        (transfer->addresses =
             http_name_list(&transfer->name, resolved_addresses(transfer->resolved))) == NULL)
        return false;
    return SET(CURLOPT_RESOLVE, transfer->addresses) &&
           SET(CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
}

#undef SET

/* To the request's owner: there was nothing to send it to. */
static void fail(struct transfer *transfer, const char *what, const char *why)
{
    char fault[HTTP_FAULT_SIZE];
    const struct http_reply reply = {.fault = fault};

    (void)snprintf(fault, sizeof(fault), "%s%s", what, why);
    transfer->done(transfer->context, &reply);
    transfer_free(transfer);
}

static void begin_after(struct transfer *transfer, int64_t milliseconds)
{
    const int64_t wait = milliseconds < 0 ? 0 : milliseconds;
    const struct timeval after = {wait / 1000, wait % 1000 * 1000};

    loop_add_event(&transfer->begin, &after);
}

static void begin(struct transfer *transfer)
{
    struct http_pool *pool = http_pool_get(transfer->http);

    if (pool == NULL || !set_address(transfer, transfer->easy) ||
        curl_multi_add_handle(pool->multi, transfer->easy) != CURLM_OK) {
        fail(transfer, "out of memory", "");
        return;
    }
    transfer->pool = pool;
    pool->transfers++;
}

static void on_resolved(void *context, const struct resolver_answer *answer)
{
    struct transfer *transfer = context;

    transfer->request = NULL;
    (void)event_del(&transfer->begin);
    transfer->resolved = answer->resolved;
    if (answer->resolved != NULL)
        begin(transfer);
    else
        fail(transfer, "its name cannot be resolved: ", answer->reason);
}

static void locate(struct transfer *transfer);

static void on_begin(evutil_socket_t fd, short what, void *context)
{
    struct transfer *transfer = context;

    (void)fd, (void)what;
    if (transfer->is_pausing)
        locate(transfer);
    else if (transfer->request != NULL)
        fail(transfer, "its name was not resolved in time", "");
    else if (transfer->name.is_number || transfer->resolved != NULL)
        begin(transfer);
    else
        fail(transfer, "its name cannot be resolved: ", transfer->unknown);
}

/* Ask for the name's addresses, where it is one; what is known is gone on with from the loop. */
static void locate(struct transfer *transfer)
{
    const struct http_name *name = &transfer->name;
    struct resolver_answer known = {.resolved = NULL};
    int64_t left = 0;

    transfer->is_pausing = false;
    if (!name->is_number)
        transfer->request = resolver_ask(transfer->http->loop, name->host, name->port, on_resolved,
                                         transfer, &known);
    transfer->resolved = known.resolved;
    (void)OPENSSL_strlcpy(transfer->unknown, known.reason, sizeof(transfer->unknown));
    if (transfer->request != NULL)
        left = transfer->until - clock_ms();
    begin_after(transfer, left);
}

static void enlist(struct transfer *transfer)
{
    struct http *http = transfer->http;

    transfer->next = http->transfers;
    transfer->link = &http->transfers;
    if (transfer->next != NULL)
        transfer->next->link = &transfer->next;
    http->transfers = transfer;
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
    transfer->until = clock_ms() + request->milliseconds;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL || !http_name_of(&transfer->name, request->url) ||
        !add_headers(transfer, request) || !set_callbacks(transfer, transfer->easy) ||
        !set_tls(http->identity, transfer->easy) ||
        !set_request(transfer, transfer->easy, request)) {
        transfer_free(transfer);
        return false;
    }
    (void)event_assign(&transfer->begin, http->loop->base, -1, 0, on_begin, transfer);
    enlist(transfer);
    locate(transfer);
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
    if (retry_after > 0) /* a date that has passed is less */
        reply->retry_after =
            retry_after > HTTP_RETRY_MAX ? HTTP_RETRY_MAX : (unsigned int)retry_after;
    reply->milliseconds = (unsigned int)(microseconds / 1000);
}

/* Nothing of an answer is kept. */
static void send_again(struct transfer *transfer, int64_t pause)
{
    leave_pool(transfer);
    curl_slist_free_all(transfer->addresses);
    resolved_release(transfer->resolved);
    OPENSSL_cleanse(transfer->body, transfer->body == NULL ? 0 : transfer->length);
    transfer->addresses = NULL;
    transfer->resolved = NULL;
    transfer->length = transfer->header_octets = 0;
    transfer->error[0] = '\0';
    transfer->is_pausing = true;
    begin_after(transfer, pause);
}

void transfers_leave(struct http_pool *pool)
{
    struct transfer *transfer = pool->http->transfers, *next;

    for (; transfer != NULL; transfer = next) {
        next = transfer->next;
        if (transfer->pool != pool ||
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

/* A pause, which doubles, before it is sent again; -1: it is not. */
static int64_t pause_before(struct transfer *transfer, CURLcode result)
{
    const unsigned int failures = transfer->failures++;
    int64_t pause = failures == 0 ? 0 : PAUSE_MS;

    if (transfer->refused != NULL || !is_of_connection(result))
        return -1;
    for (unsigned int i = 1; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return clock_ms() + pause < transfer->until ? pause : -1;
}

void transfer_finish(struct transfer *transfer, CURLcode result)
{
    const int64_t pause = result == CURLE_OK ? -1 : pause_before(transfer, result);
    struct http_reply reply = {.body = transfer->body, .length = transfer->length};

    if (result != CURLE_OK)
        resolver_forget(transfer->resolved);
    if (pause >= 0 && result != CURLE_COULDNT_CONNECT)
        http_pool_retire(transfer->pool);
    if (pause >= 0) {
        send_again(transfer, pause);
        return;
    }
    read_reply(&reply, transfer->easy);
    if (result == CURLE_OPERATION_TIMEDOUT)
        transfer->pool->is_silent = true;
    if (transfer->refused != NULL)
        reply.fault = transfer->refused;
    else if (result != CURLE_OK)
        reply.fault = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
    transfer->done(transfer->context, &reply);
    transfer_free(transfer);
}
