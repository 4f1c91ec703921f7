/*
 * Notifications of revoked keys: what the NEF posts to the URI that it was told
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/notify.h"

#include "messages/json_line.h"
#include "net/addr.h"
#include "ops/log.h"
#include "source/key_answer.h"
#include "source/source_http.h"
#include "store/store.h"
#include "third_party/third_party.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define HEADERS_MAX     8192 /* octets */
#define BODY_MAX        4096 /* octets */
#define SECONDS         10   /* for a handshake, and between two reads */

struct notify {
    struct server *server;
    SSL_CTX *ctx;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    size_t connections;
    char path[1024];
};

/* One notification, on its way to a server loop and back. */
struct revocation {
    struct loop_message message;
    struct server *server;
    struct evhttp_request *request; /* NULL: the other side has gone */
    bool revoked;
    char identity[SOURCE_TEXT_SIZE], reason[256];
};

/* An answer without a body, or one of application/problem+json (RFC 9457). */
static void reply(struct evhttp_request *request, int status, const char *cause)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evhttp_request_get_output_buffer(request);

    if (cause != NULL) {
        (void)evhttp_add_header(headers, "Content-Type", "application/problem+json");
        (void)evbuffer_add_printf(body, "{\"status\":%d,\"cause\":\"%s\"}", status, cause);
    }
    evhttp_send_reply(request, status, NULL, NULL);
}

/* Void, and back again: what the cache has, the connections on it, what it had promised */

static void on_closed(struct evhttp_connection *connection, void *context)
{
    struct revocation *revocation = context;

    (void)connection;
    revocation->request = NULL;
}

static void come_back(struct loop *loop, struct loop_message *message)
{
    struct revocation *revocation = (struct revocation *)message;
    struct evhttp_request *request = revocation->request;
    const char *reason = revocation->revoked ? NULL : revocation->reason;

    (void)loop;
    log_event("notification", "identity", revocation->identity, "result",
              revocation->revoked ? "revoked" : "failed", "reason", reason, NULL);
    if (request != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
        if (revocation->revoked)
            reply(request, HTTP_NOCONTENT, NULL);
        else
            reply(request, HTTP_SERVUNAVAIL, "NF_CONGESTION");
    }
    OPENSSL_free(revocation);
}

static void on_revoked(void *argument, const struct third_party_revocation *result)
{
    struct revocation *revocation = argument;

    if (revocation->server->source == NULL) { /* the process ends, and nobody waits any more */
        OPENSSL_free(revocation);
        return;
    }
    revocation->revoked = result->is_done;
    (void)OPENSSL_strlcpy(revocation->reason, result->reason, sizeof(revocation->reason));
    revocation->message.run = come_back;
    loop_post(source_http_loop(revocation->server->source), &revocation->message);
}

/* No connection runs on the key any more, so that the third party is not asked with it again. */
static void void_identity(struct loop *loop, struct loop_message *message)
{
    struct revocation *revocation = (struct revocation *)message;
    struct third_party *third_party = revocation->server->third_party;
    struct third_party_revocation now;

    if (third_party == NULL) /* the process ends */
        OPENSSL_free(revocation);
    else if (third_party->ops->revoke(third_party, loop, revocation->identity, on_revoked,
                                      revocation, &now) == NULL)
        on_revoked(revocation, &now);
}

static void start_revocation(struct notify *notify, struct evhttp_request *request,
                             const char *identity)
{
    struct server *server = notify->server;
    struct revocation *revocation = OPENSSL_zalloc(sizeof(*revocation));
    const struct store_scope scope = {.subject = identity, .naf = server->naf};

    source_http_forget(server->source, identity);
    if (revocation != NULL) {
        revocation->message.run = void_identity;
        revocation->server = server;
        revocation->request = request;
        (void)OPENSSL_strlcpy(revocation->identity, identity, sizeof(revocation->identity));
    }
    if (revocation == NULL ||
        !server_close_matching(server, &scope, &server->loops->loop[0], &revocation->message)) {
        OPENSSL_free(revocation);
        reply(request, HTTP_INTERNAL, "SYSTEM_FAILURE");
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_closed, revocation);
}

/* What came */

/* The A-KID of a notification; NULL: it is none. */
static const char *read_identity(json_t *object)
{
    const char *identity = json_string_value(json_object_get(object, "aKId"));

    return identity == NULL || identity[0] == '\0' || strlen(identity) >= SOURCE_TEXT_SIZE
               ? NULL
               : identity;
}

static void take_body(struct notify *notify, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const size_t length = evbuffer_get_length(body);
    const char *text = (const char *)evbuffer_pullup(body, -1);
    json_t *object = text == NULL ? NULL : json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *identity = read_identity(object);

    if (identity == NULL)
        reply(request, HTTP_BADREQUEST, "INVALID_MSG_FORMAT");
    else
        start_revocation(notify, request, identity);
    json_decref(object);
}

/* evhttp's callback. A connection without TLS cannot be; where memory failed it is refused here. */
static void on_request(struct evhttp_request *request, void *context)
{
    struct notify *notify = context;
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    struct bufferevent *stream =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

    if (bufferevent_openssl_get_ssl(stream) == NULL)
        reply(request, 403, "ACCESS_FORBIDDEN");
    else if (path == NULL || strcmp(path, notify->path) != 0)
        reply(request, HTTP_NOTFOUND, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
    else if (!key_answer_is(evhttp_find_header(headers, "Content-Type"), "application/json"))
        reply(request, 415, "UNSUPPORTED_MEDIA_TYPE");
    else
        take_body(notify, request);
}

/* Connections, of which there are so many at a time */

static int ssl_index = -1;

static void on_ssl_free(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long number,
                        void *argument)
{
    struct notify *notify = data;

    (void)ssl, (void)all, (void)index, (void)number, (void)argument;
    if (notify == NULL)
        return;
    notify->connections--;
    if (notify->socket != NULL)
        (void)evconnlistener_enable(evhttp_bound_socket_get_listener(notify->socket));
}

static struct bufferevent *open_connection(struct event_base *base, void *context)
{
    struct notify *notify = context;
    SSL *ssl = SSL_new(notify->ctx);

    if (ssl == NULL || !SSL_set_ex_data(ssl, ssl_index, notify)) {
        SSL_free(ssl);
        return NULL;
    }
    if (++notify->connections >= CONNECTIONS_MAX)
        (void)evconnlistener_disable(evhttp_bound_socket_get_listener(notify->socket));
    return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static void resume_accepting(evutil_socket_t fd, short what, void *listener)
{
    (void)fd, (void)what;
    (void)evconnlistener_enable(listener);
}

/* Without descriptors: do not ask again at once. The argument is evhttp's. */
static void could_not_accept(struct evconnlistener *listener, void *argument)
{
    static const struct timeval pause = {.tv_usec = 100000};

    (void)argument;
    (void)evconnlistener_disable(listener);
    (void)event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, resume_accepting,
                          listener, &pause);
}

static bool set_path(struct notify *notify, const char *uri)
{
    struct evhttp_uri *parsed = evhttp_uri_parse(uri);
    const char *path = parsed == NULL ? NULL : evhttp_uri_get_path(parsed);
    const bool done = path != NULL && OPENSSL_strlcpy(notify->path, path[0] == '\0' ? "/" : path,
                                                      sizeof(notify->path)) < sizeof(notify->path);

    if (parsed != NULL)
        evhttp_uri_free(parsed);
    return done;
}

static bool listen_there(struct notify *notify, const char *address)
{
    struct listenings all;
    int fd;

    if (!addr_listen(&all, "notify-accept", address, true))
        return false;
    for (size_t i = 1; i < all.count; i++)
        (void)close(all.at[i].fd);
    fd = all.at[0].fd;
    notify->socket = evhttp_accept_socket_with_handle(notify->http, fd);
    if (notify->socket == NULL) {
        (void)close(fd);
        return false;
    }
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(notify->socket), could_not_accept);
    printf("notify-accept %s\n", all.at[0].shown);
    return fflush(stdout) == 0;
}

struct notify *notify_new(struct event_base *base, const struct notify_setup *setup,
                          struct server *server)
{
    struct notify *notify = OPENSSL_zalloc(sizeof(*notify));

    if (ssl_index < 0)
        ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
    if (notify == NULL || ssl_index < 0) {
        SSL_CTX_free(setup->ctx);
        OPENSSL_free(notify);
        return NULL;
    }
    notify->server = server;
    notify->ctx = setup->ctx;
    notify->http = evhttp_new(base);
    if (notify->http == NULL || !set_path(notify, setup->uri) ||
        !listen_there(notify, setup->accept)) {
        notify_free(notify);
        return NULL;
    }
    evhttp_set_bevcb(notify->http, open_connection, notify);
    evhttp_set_gencb(notify->http, on_request, notify);
    evhttp_set_allowed_methods(notify->http, EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(notify->http, HEADERS_MAX);
    evhttp_set_max_body_size(notify->http, BODY_MAX);
    evhttp_set_timeout(notify->http, SECONDS);
    return notify;
}

void notify_use(struct notify *notify, SSL_CTX *ctx)
{
    SSL_CTX_free(notify->ctx);
    notify->ctx = ctx;
}

void notify_stop(struct notify *notify)
{
    if (notify == NULL)
        return;
    notify->socket = NULL;
    if (notify->http != NULL)
        evhttp_free(notify->http);
    notify->http = NULL;
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    notify_stop(notify);
    SSL_CTX_free(notify->ctx);
    OPENSSL_free(notify);
}
