/*
 * The operator's interfaces for keys: NEF and AAnF for AKMA, BSF for GBA. One exchange per question
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_service.h"
#include "hex.h"
#include "queue.h"

#include "net/clock.h"
#include "ops/health.h"
#include "ops/log.h"
#include "source/url.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct key_interface interfaces[] = {
    {"nef", KEY_AKMA, "/3gpp-akma/v1/retrieve", "", "nnef-akma:gpsi-access", "NEF", false},
    {"aanf", KEY_AKMA, "/naanf-akma/v1/retrieve-applicationkey",
     "naanf-akma naanf-akma:applicationkeyget", "naanf-akma:applicationkeyget:supi-access", "AANF",
     true},
    {"bsf", KEY_GBA, "/nbsp-gba/v1/bootstrapping-info-retrieval",
     "nbsp-gba nbsp-gba:bootstrapping-info-retrieval:invoke", "", "GBA_BSF", false},
};

/* A question and what belongs to it. */
struct exchange {
    TAILQ_ENTRY(exchange) place;
    struct key_service *service;
    char *identity, *body, *url, *authorization; /* authorization: what the request was sent with */
    bool renewed, redirected;
    int64_t until; /* clock_ms() */
    key_service_done *done;
    void *context;
};

struct key_service {
    struct http *http;
    const struct key_service_setup *setup;
    struct token *token; /* NULL: without */
    int64_t not_before;  /* clock_ms() of the next question */
    TAILQ_HEAD(exchanges, exchange) exchanges;
};

const struct key_interface *key_interface(const char *text, const char **url)
{
    for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++) {
        const size_t length = strlen(interfaces[i].name);

        if (strncmp(text, interfaces[i].name, length) == 0 && text[length] == ':') {
            *url = text + length + 1;
            return &interfaces[i];
        }
    }
    return NULL;
}

/* The text of AF_ID, the identifier in its place; NULL: out of memory. */
static char *make_af_id(const char *text, const char *ua)
{
    const char *place = strstr(text, KEY_AF_ID_UA);
    char *af_id = NULL;

    if (place == NULL)
        return strdup(text);
    return asprintf(&af_id, "%.*s%s%s", (int)(place - text), text, ua,
                    place + strlen(KEY_AF_ID_UA)) < 0
               ? NULL
               : af_id;
}

/* What is asked, as JSON; NULL: out of memory. */
static char *make_body(const struct key_service_setup *setup, const struct key_wanted *wanted)
{
    char ua[2 * AKMA_UA_PROTOCOL_ID_LENGTH + 1] = "";
    char *af_id = NULL, *body = NULL;
    json_t *object = NULL;

    (void)hex_encode(ua, wanted->ua_protocol_id, sizeof(wanted->ua_protocol_id));
    if (setup->interface->system == KEY_GBA)
        object = json_pack("{s:s,s:{s:s,s:s},s:b}", "btId", wanted->identity, "nafId", "nafFqdn",
                           setup->naf_fqdn, "uaSecProtId", ua, "gbaUAware", 1);
    else if ((af_id = make_af_id(setup->af_id, ua)) != NULL)
        object = json_pack("{s:s,s:s,s:b,s:s*}", "afId", af_id, "aKId", wanted->identity, "anonInd",
                           setup->anonymous, "notifUri", setup->notify_uri);
    if (object != NULL)
        body = json_dumps(object, JSON_COMPACT);
    free(af_id);
    json_decref(object);
    return body;
}

static void drop_authorization(struct exchange *exchange)
{
    if (exchange->authorization != NULL)
        OPENSSL_clear_free(exchange->authorization, strlen(exchange->authorization) + 1);
    exchange->authorization = NULL;
}

static void exchange_free(struct exchange *exchange)
{
    TAILQ_REMOVE(&exchange->service->exchanges, exchange, place);
    drop_authorization(exchange);
    free(exchange->identity);
    free(exchange->body);
    free(exchange->url);
    OPENSSL_free(exchange);
}

static void exchange_end(struct exchange *exchange, enum key_result result,
                         const struct key_answer *key, const char *reason)
{
    exchange->done(exchange->context, result, key, reason);
    exchange_free(exchange);
}

static void log_failure(const struct exchange *exchange, const char *status, const char *reason)
{
    static struct log_limit limit_source_failed;

    log_limited(&limit_source_failed, "source-failed", "interface",
                exchange->service->setup->interface->name, "identity", exchange->identity, "status",
                status, "reason", reason, NULL);
}

static void end_without(struct exchange *exchange, enum key_result result, const char *status,
                        const char *reason)
{
    log_failure(exchange, status, reason);
    exchange_end(exchange, result, NULL, reason);
}

static void exchange_fail(struct exchange *exchange, const char *status, const char *reason)
{
    end_without(exchange, KEY_FAILED, status, reason);
}

static const char *send_request(struct exchange *exchange);

/* From the loop: send another request, or fail. */
static void send_again(struct exchange *exchange)
{
    const char *fault = send_request(exchange);

    if (fault != NULL)
        exchange_fail(exchange, NULL, fault);
}

static void take_key(struct exchange *exchange, const struct http_reply *reply)
{
    const struct key_service_setup *setup = exchange->service->setup;
    const enum key_name name = setup->anonymous ? KEY_NAME_NONE : setup->device_name;
    const int64_t now = (int64_t)time(NULL);
    char fault[KEY_ANSWER_FAULT_SIZE];
    struct key_answer key;

    if (!key_answer_read(&key, setup->interface->system, name, reply->content_type, reply->body,
                         reply->length, fault))
        end_without(exchange, key.is_failure ? KEY_REFUSED : KEY_FAILED, "200", fault);
    else if (key.not_after < now) {
        (void)snprintf(fault, sizeof(fault),
                       "the key has expired: it ended %lld seconds ago by this clock; do both "
                       "clocks agree?",
                       (long long)(now - key.not_after));
        exchange_fail(exchange, "200", fault);
    } else
        exchange_end(exchange, KEY_FOUND, &key, NULL);
    OPENSSL_cleanse(&key, sizeof(key));
}

static bool may_follow(const struct exchange *exchange, const char *location)
{
    const struct key_service_setup *setup = exchange->service->setup;

    return !exchange->redirected && location != NULL &&
           (url_same_origin(location, setup->root) ||
            (setup->redirect != NULL && url_same_origin(location, setup->redirect)));
}

static void follow(struct exchange *exchange, const char *location)
{
    free(exchange->url);
    exchange->url = strdup(location);
    exchange->redirected = true;
    send_again(exchange);
}

static void pause_for(struct key_service *service, unsigned int seconds)
{
    const int64_t until = clock_ms() + (int64_t)seconds * 1000;
    char shown[16];

    if (seconds == 0 || until <= service->not_before)
        return;
    service->not_before = until;
    (void)snprintf(shown, sizeof(shown), "%u", seconds);
    log_event("source-paused", "interface", service->setup->interface->name, "seconds", shown,
              NULL);
}

/* ProblemDetails with a cause (TS 29.571 5.2.4.1): it is about what was asked. */
static bool refuses(const struct http_reply *reply)
{
    return reply->status == 403 &&
           key_answer_has_cause(reply->content_type, reply->body, reply->length);
}

/* Anything but an answer: what the operator says about it goes to the log. */
static void take_error(struct exchange *exchange, const struct http_reply *reply)
{
    static struct log_limit limit_source_no_key;
    char problem[KEY_ANSWER_PROBLEM_SIZE], status[24];
    const bool no_key = reply->status == 204 || reply->status == 404;

    (void)snprintf(status, sizeof(status), "%ld", reply->status);
    key_answer_problem(reply->content_type, reply->body, reply->length, problem);
    if (reply->status == 429 || reply->status == 503)
        pause_for(exchange->service, reply->retry_after);
    if (!no_key) {
        end_without(exchange, refuses(reply) ? KEY_REFUSED : KEY_FAILED, status,
                    problem[0] != '\0' ? problem : "the answer gives no key");
        return;
    }
    log_limited(&limit_source_no_key, "source-no-key", "interface",
                exchange->service->setup->interface->name, "identity", exchange->identity, "status",
                status, "reason", problem[0] != '\0' ? problem : NULL, NULL);
    exchange_end(exchange, KEY_NONE, NULL, NULL);
}

static enum health_part part_of(const struct key_service *service)
{
    return service->setup->interface->system == KEY_AKMA ? HEALTH_SOURCE_AKMA : HEALTH_SOURCE_GBA;
}

/* Does the operator's network serve us? What it says of one subscriber is another question. */
static void take_health(const struct key_service *service, const struct http_reply *reply)
{
    const bool serves = refuses(reply) || (reply->status < 500 && reply->status != 401 &&
                                           reply->status != 403 && reply->status != 429);
    char reason[40];

    (void)snprintf(reason, sizeof(reason), "HTTP status %ld", reply->status);
    if (reply->fault == NULL && serves)
        health_up(part_of(service), NULL);
    else
        health_down(part_of(service), NULL, reply->fault != NULL ? reply->fault : reason);
}

static void on_reply(void *context, const struct http_reply *reply)
{
    struct exchange *exchange = context;

    take_health(exchange->service, reply);

    if (reply->fault != NULL) {
        exchange_fail(exchange, NULL, reply->fault);
    } else if (reply->status == 200) {
        take_key(exchange, reply);
    } else if (reply->status == 401 && exchange->authorization != NULL && !exchange->renewed) {
        exchange->renewed = true;
        token_refused(exchange->service->token, exchange->authorization);
        send_again(exchange);
    } else if ((reply->status == 307 || reply->status == 308) &&
               may_follow(exchange, reply->location)) {
        follow(exchange, reply->location);
    } else {
        take_error(exchange, reply);
    }
}

/* With the token, or if none is wanted with NULL. NULL: it is under way; else why it is not. */
static const char *post(struct exchange *exchange, const char *authorization)
{
    const struct key_service_setup *setup = exchange->service->setup;
    const int64_t left = exchange->until - clock_ms();
    const struct http_request request = {
        .url = exchange->url,
        .content_type = "application/json",
        .body = exchange->body,
        .authorization = authorization,
        .http2 = setup->interface->http2,
        .milliseconds = left < 1 ? 1 : (unsigned int)left,
    };

    drop_authorization(exchange);
    if (exchange->url == NULL ||
        (authorization != NULL &&
         (exchange->authorization = OPENSSL_strdup(authorization)) == NULL) ||
        !http_post(exchange->service->http, &request, on_reply, exchange))
        return "out of memory";
    return NULL;
}

static void on_token(void *context, const struct token_answer *answer)
{
    struct exchange *exchange = context;
    const char *fault =
        answer->reason != NULL ? answer->reason : post(exchange, answer->authorization);

    if (fault != NULL)
        exchange_fail(exchange, NULL, fault);
}

/* The token goes to the operator's own origin alone. NULL: under way; else why it is not. */
static const char *send_request(struct exchange *exchange)
{
    struct token *token = exchange->service->token;
    struct token_answer now = {NULL, NULL};

    if (token != NULL && exchange->url != NULL &&
        url_same_origin(exchange->url, exchange->service->setup->root) &&
        token_get(token, on_token, exchange, &now))
        return NULL;
    return now.reason != NULL ? now.reason : post(exchange, now.authorization);
}

bool key_service_ask(struct key_service *service, const struct key_wanted *wanted,
                     key_service_done *done, void *context, const char **reason)
{
    const struct key_service_setup *setup = service->setup;
    struct exchange *exchange = OPENSSL_zalloc(sizeof(*exchange));

    *reason = "out of memory";
    if (exchange == NULL)
        return false;
    exchange->service = service;
    exchange->done = done;
    exchange->context = context;
    exchange->until = clock_ms() + setup->milliseconds;
    exchange->identity = strdup(wanted->identity);
    exchange->body = make_body(setup, wanted);
    if (asprintf(&exchange->url, "%s%s", setup->root, setup->interface->path) < 0)
        exchange->url = NULL;
    TAILQ_INSERT_TAIL(&service->exchanges, exchange, place);
    if (exchange->identity != NULL && exchange->body != NULL)
        *reason = send_request(exchange);
    if (*reason == NULL)
        return true;
    log_failure(exchange, NULL, *reason);
    exchange_free(exchange);
    return false;
}

bool key_service_is_paused(const struct key_service *service)
{
    return clock_ms() < service->not_before;
}

struct key_service *key_service_new(struct http *http, const struct key_service_setup *setup)
{
    struct key_service *service = OPENSSL_zalloc(sizeof(*service));

    if (service == NULL)
        return NULL;
    service->http = http;
    service->setup = setup;
    TAILQ_INIT(&service->exchanges);
    health_use(part_of(service));
    if (setup->token != NULL &&
        (service->token = token_new(http, setup->token, setup->interface->system)) == NULL) {
        OPENSSL_free(service);
        return NULL;
    }
    return service;
}

void key_service_free(struct key_service *service)
{
    struct exchange *exchange;

    if (service == NULL)
        return;
    token_free(service->token);
    while ((exchange = TAILQ_FIRST(&service->exchanges)) != NULL)
        exchange_free(exchange);
    OPENSSL_free(service);
}
