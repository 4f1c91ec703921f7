/*
 * Notifications of revoked keys: what a NEF or AAnF posts to the URI that it was told
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/notify.h"

#include "as/predecessor.h"
#include "net/tls.h"
#include "ops/log.h"
#include "server/close_matching.h"
#include "server/http_server.h"
#include "source/key_answer.h"
#include "source/source_http.h"
#include "store/store.h"
#include "third_party/third_party.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define NOTIFY_CERTIFICATES_MAX 16384 /* octets, which libssl allocates before it looks at them */

struct notify {
    struct naf_service *naf;
    struct current ctx; /* SSL_CTX: a reload replaces it */
    char path[1024];
};

/* TLS */

/* An AAnF speaks HTTP/2 (TS 29.500 5.2.1); a NEF may speak either. */
static int select_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned int offered_length,
                           void *argument)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    unsigned char *found;

    (void)ssl, (void)argument;
    if (SSL_select_next_proto(&found, length, protocols, sizeof(protocols) - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

bool notify_set_up_tls(SSL_CTX *ctx, const char *name)
{
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(ctx);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, NOTIFY_CERTIFICATES_MAX);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(rules, name, 0) && SSL_CTX_set_num_tickets(ctx, 0) &&
           SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
}

/* Notifications */

/* One notification, on its way from its connection's loop to others and back. */
struct revocation {
    struct loop_message message;
    struct server *server;
    struct naf_service *naf;
    struct loop *home;
    struct http_connection *http; /* NULL: the other side has gone; on its loop */
    bool revoked;
    char identity[SOURCE_TEXT_SIZE], reason[256];
};

/* An answer without a body, or one of application/problem+json (RFC 9457). */
static void reply(struct http_connection *http, int status, const char *cause)
{
    char body[120];

    (void)snprintf(body, sizeof(body), "{\"status\":%d,\"cause\":\"%s\"}", status,
                   cause == NULL ? "" : cause);
    http_reply(http, status, cause == NULL ? NULL : "application/problem+json",
               cause == NULL ? NULL : body);
}

/* What the cache has, the connections on it, what it had promised: one loop after the other */

static void gone(struct http_connection *http)
{
    struct revocation *revocation = http->under_way;

    revocation->http = NULL;
}

static void come_back(struct loop *loop, struct loop_message *message)
{
    struct revocation *revocation = (struct revocation *)message;
    const char *reason = revocation->revoked ? NULL : revocation->reason;

    (void)loop;
    log_event("notification", "identity", revocation->identity, "result",
              revocation->revoked ? "revoked" : "failed", "reason", reason, NULL);
    if (revocation->http != NULL && revocation->revoked)
        reply(revocation->http, 204, NULL);
    else if (revocation->http != NULL)
        reply(revocation->http, 503, "NF_CONGESTION");
    OPENSSL_free(revocation);
}

static void on_revoked(void *argument, const struct third_party_revocation *result)
{
    struct revocation *revocation = argument;

    revocation->revoked = result->is_done;
    (void)OPENSSL_strlcpy(revocation->reason, result->reason, sizeof(revocation->reason));
    revocation->message.run = come_back;
    loop_post(revocation->home, &revocation->message);
}

/* No connection runs on the key any more, so that the third party is not asked with it again. */
static void revoke_identity(struct loop *loop, struct loop_message *message)
{
    struct revocation *revocation = (struct revocation *)message;
    struct third_party *third_party = revocation->naf->third_party;
    struct third_party_revocation now;

    if (third_party == NULL) /* the process ends */
        OPENSSL_free(revocation);
    else if (third_party->ops->revoke(third_party, loop, revocation->identity, on_revoked,
                                      revocation, &now) == NULL)
        on_revoked(revocation, &now);
}

/* On the source's loop. */
static void forget(struct loop *loop, struct loop_message *message)
{
    struct revocation *revocation = (struct revocation *)message;
    struct server *server = revocation->server;
    const struct naf_service *naf = revocation->naf;
    const struct store_scope scope = {.subject = revocation->identity, .naf = naf->name};
    static const struct third_party_revocation no_memory = {.reason = "out of memory"};

    (void)loop;
    if (naf->third_party == NULL) { /* the process ends, and the source with it */
        OPENSSL_free(revocation);
        return;
    }
    predecessor_say_revoked(&scope);
    source_http_forget(naf->source, revocation->identity);
    revocation->message.run = revoke_identity;
    if (!server_close_matching(server, &scope, &server->loops->loop[0], &revocation->message))
        on_revoked(revocation, &no_memory);
}

static void start_revocation(struct http_connection *http, const char *identity)
{
    const struct notify *notify = http->connection.service;
    struct revocation *revocation = OPENSSL_zalloc(sizeof(*revocation));

    if (revocation == NULL) {
        reply(http, 500, "SYSTEM_FAILURE");
        return;
    }
    revocation->message.run = forget;
    revocation->server = http->connection.worker->server;
    revocation->naf = notify->naf;
    revocation->home = http->connection.worker->loop;
    revocation->http = http;
    (void)OPENSSL_strlcpy(revocation->identity, identity, sizeof(revocation->identity));
    http->under_way = revocation;
    loop_post(source_http_loop(notify->naf->source), &revocation->message);
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

static void take_body(struct http_connection *http, const struct received_request *request)
{
    json_t *object = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, NULL);
    const char *identity = read_identity(object);

    if (identity == NULL)
        reply(http, 400, "INVALID_MSG_FORMAT");
    else
        start_revocation(http, identity);
    json_decref(object);
}

static void serve(struct http_connection *http, const struct received_request *request)
{
    const struct notify *notify = http->connection.service;

    if (strcmp(request->method, "POST") != 0)
        reply(http, 405, "METHOD_NOT_ALLOWED");
    else if (strcmp(request->path, notify->path) != 0)
        reply(http, 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
    else if (!key_answer_is(request->content_type, "application/json"))
        reply(http, 415, "UNSUPPORTED_MEDIA_TYPE");
    else
        take_body(http, request);
}

static SSL_CTX *get_ctx(void *service)
{
    return tls_ctx_current(&((struct notify *)service)->ctx);
}

static const struct http_kind notify_http = {
    .kind = {.name = "notify",
             .accepted = METRIC_CONNECTIONS_NOTIFY,
             .size = sizeof(struct http_connection),
             .pool = POOL_NOTIFY,
             .ctx = get_ctx,
             .ready = http_ready,
             .release = http_release,
             .drain = http_drain},
    .allowed = "POST",
    .serve = serve,
    .gone = gone,
};

const struct connection_kind *const notify_kind = &notify_http.kind;

static bool set_path(struct notify *notify, const char *uri)
{
    CURLU *parts = curl_url();
    char *path = NULL;
    const bool done =
        parts != NULL && curl_url_set(parts, CURLUPART_URL, uri, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
        OPENSSL_strlcpy(notify->path, path, sizeof(notify->path)) < sizeof(notify->path);

    curl_free(path);
    curl_url_cleanup(parts);
    return done;
}

struct notify *notify_new(struct naf_service *naf, const char *uri, struct current_version *ctx)
{
    struct notify *notify = OPENSSL_zalloc(sizeof(*notify));

    if (notify == NULL || !set_path(notify, uri)) {
        current_drop(ctx);
        OPENSSL_free(notify);
        return NULL;
    }
    notify->naf = naf;
    current_init(&notify->ctx);
    current_put(&notify->ctx, ctx);
    return notify;
}

void notify_use(struct notify *notify, struct current_version *ctx)
{
    current_put(&notify->ctx, ctx);
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    current_close(&notify->ctx);
    OPENSSL_free(notify);
}
