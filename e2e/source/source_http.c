/*
 * The operator's network as a source of Ks_NAF: NEF or AAnF for AKMA, BSF for GBA
 *
 * Its parts, what the operator is asked for, what is done with the answer, and the requests of
 * server loops on their way there and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source_http.h"

#include "net/clock.h"
#include "source/key_cache.h"
#include "source/lookups.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What a look-up ends with, for all waiting requests. */
struct outcome {
    enum key_result result;
    const struct key_answer *key;
    const char *reason;
};

struct source_http {
    struct source source;
    struct source *file;
    struct loops *loops;
    struct http *http;
    struct key_service *services[KEY_SYSTEMS];
    struct key_cache *cache;
    struct lookups *lookups;
    struct event *tick, *sweep;
    int64_t key_lifetime;  /* ms */
    struct outcome failed; /* a question that could not be asked */
    bool runs;
};

static void source_http_run_lookups(struct source_http *http);

struct source_request {
    struct loop_message message; /* there with the question, back with the answer */
    struct loop_message cancel;  /* there and back */
    struct lookup_waiter waiter;
    struct source_http *http;
    struct loop *loop;
    source_done *done;
    void *argument;
    bool cancelled; /* of the loop it came from */
    enum identity_kind kind;
    unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH];
    struct sockaddr_storage peer;
    char identity[SOURCE_TEXT_SIZE], reason[SOURCE_TEXT_SIZE];
    struct source_answer answer;
};

/* Back on the loop that asked */

static void release_request(struct source_request *request)
{
    OPENSSL_clear_free(request, sizeof(*request));
}

static void come_back(struct loop *loop, struct loop_message *message)
{
    struct source_request *request = (struct source_request *)message;

    (void)loop;
    if (request->cancelled)
        return;
    request->done(request->argument, &request->answer);
    release_request(request);
}

/* On the source's loop */

static void give_key(struct source_request *request, const struct key_answer *key)
{
    const struct given_key *given =
        request->kind == IDENTITY_GBA_UICC ? &key->ks_int_naf : &key->ks_naf;

    request->answer.result = given->given ? SOURCE_FOUND : SOURCE_UNKNOWN;
    memcpy(request->answer.ks_naf, given->octets, SOURCE_KEY_LENGTH);
    memcpy(request->answer.device, key->device, sizeof(key->device));
    request->answer.not_after = key->not_after == KEY_ANSWER_NO_END ? 0 : key->not_after;
}

static void answer_request(struct source_request *request, const struct outcome *outcome)
{
    if (outcome->result == KEY_FOUND) {
        give_key(request, outcome->key);
    } else if (outcome->result == KEY_NONE) {
        request->answer.result = SOURCE_UNKNOWN;
    } else {
        request->answer.result = SOURCE_REFUSED;
        (void)snprintf(request->reason, sizeof(request->reason), "%s", outcome->reason);
        request->answer.reason = request->reason;
    }
    request->message.run = come_back;
    loop_post(request->loop, &request->message);
}

/* lookups.h's callback: given is a struct outcome, or NULL if the look-up was given up. */
static void source_http_tell(void *context, struct lookup_waiter *waiter, const void *given)
{
    static const struct outcome given_up = {KEY_FAILED, NULL, "too many look-ups at a time"};
    struct source_request *request =
        (struct source_request *)((char *)waiter - offsetof(struct source_request, waiter));

    (void)context;
    answer_request(request, given == NULL ? &given_up : given);
}

static struct key_wanted wanted_by(const struct source_request *request)
{
    struct key_wanted wanted = {.system = identity_system(request->kind),
                                .identity = request->identity};

    memcpy(wanted.ua_protocol_id, request->ua_protocol_id, sizeof(wanted.ua_protocol_id));
    return wanted;
}

/* The cache does not know it. */
static void queue_lookup(struct source_request *request, const struct key_wanted *wanted,
                         int64_t now)
{
    static const struct outcome full = {KEY_FAILED, NULL, "too many look-ups at a time"};
    static const struct outcome paused = {KEY_FAILED, NULL,
                                          "the operator has asked to wait (Retry-After)"};
    const struct sockaddr *peer = (const struct sockaddr *)&request->peer;
    struct source_http *http = request->http;

    if (key_service_is_paused(http->services[wanted->system]))
        answer_request(request, &paused);
    else if (lookups_wait(http->lookups, wanted, peer, &request->waiter, now))
        source_http_run_lookups(http);
    else
        answer_request(request, &full);
}

static void on_request(struct loop *loop, struct loop_message *message)
{
    static const struct outcome none = {KEY_NONE, NULL, NULL};
    static const struct outcome refused = {KEY_REFUSED, NULL,
                                           "the operator has refused this identity seconds ago"};
    struct source_request *request = (struct source_request *)message;
    const struct key_wanted wanted = wanted_by(request);
    const int64_t now = clock_ms();
    struct key_answer key;

    (void)loop;
    switch (key_cache_find(request->http->cache, &wanted, now, &key)) {
    case CACHE_HIT:
        answer_request(request, &(const struct outcome){KEY_FOUND, &key, NULL});
        OPENSSL_cleanse(&key, sizeof(key));
        break;
    case CACHE_NEGATIVE:
        answer_request(request, &none);
        break;
    case CACHE_REFUSED:
        answer_request(request, &refused);
        break;
    default:
        queue_lookup(request, &wanted, now);
    }
}

static void come_back_cancelled(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    release_request(
        (struct source_request *)((char *)message - offsetof(struct source_request, cancel)));
}

static void on_cancellation(struct loop *loop, struct loop_message *message)
{
    struct source_request *request =
        (struct source_request *)((char *)message - offsetof(struct source_request, cancel));

    (void)loop;
    lookups_leave(request->http->lookups, &request->waiter);
    message->run = come_back_cancelled;
    loop_post(request->loop, message);
}

/* On any server loop */

/* user@realm of printable ASCII (RFC 7542), which every A-KID and B-TID is (TS 33.535, TS 33.220).
 */
static bool has_form(const char *identity)
{
    const char *at = strchr(identity, '@');

    for (const char *c = identity; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
            return false;
    return at != NULL && at != identity && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strlen(identity) < SOURCE_TEXT_SIZE;
}

static void copy_peer(struct source_request *request, const struct sockaddr *peer)
{
    memcpy(&request->peer, peer,
           peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
}

/* The source's operations of these names (source.h), on any server loop. */
static struct source_request *source_http_lookup(struct source *source, struct loop *loop,
                                                 const struct source_query *query,
                                                 source_done *done, void *argument,
                                                 struct source_answer *now)
{
    struct source_http *http = (struct source_http *)source;
    struct source_request *request;

    if (http->services[identity_system(query->kind)] == NULL && http->file != NULL)
        return http->file->ops->lookup(http->file, loop, query, done, argument, now);
    *now = (struct source_answer){.result = SOURCE_UNKNOWN};
    if (http->services[identity_system(query->kind)] == NULL || !has_form(query->identity))
        return NULL;
    request = OPENSSL_zalloc(sizeof(*request));
    if (request == NULL) {
        *now = (struct source_answer){.result = SOURCE_REFUSED, .reason = "out of memory"};
        return NULL;
    }
    request->http = http;
    request->loop = loop;
    request->done = done;
    request->argument = argument;
    request->kind = query->kind;
    memcpy(request->identity, query->identity, strlen(query->identity) + 1);
    memcpy(request->ua_protocol_id, query->ua_protocol_id, sizeof(request->ua_protocol_id));
    copy_peer(request, query->peer);
    request->message.run = on_request;
    loop_post(http->loops->loop, &request->message);
    return request;
}

/* The file's look-ups are never pending: what is cancelled is one of ours. */
static void source_http_cancel(struct source *source, struct source_request *request)
{
    (void)source;
    request->cancelled = true;
    request->cancel.run = on_cancellation;
    loop_post(request->http->loops->loop, &request->cancel);
}

#define KEYS_MAX     100000 /* cached; some 60 MiB */
#define NEGATIVE_MAX 4096   /* cached */
#define WAITING_MAX  1024   /* look-ups that are not asked yet */
#define NO_LIFETIME  5000   /* ms that a "no" is kept */
#define TICK         10000  /* microseconds, while look-ups wait */
#define SWEEP        10     /* seconds */

/* A look-up that the operator is asked for. */
struct question {
    struct source_http *http;
    struct lookup *lookup;
    const struct key_wanted *wanted; /* the look-up's */
};

static void cache_key(const struct question *question, const struct key_answer *key)
{
    key_cache_keep(question->http->cache, question->wanted, key,
                   clock_ms() + question->http->key_lifetime);
}

static enum lookup_verdict verdict_of(enum key_result result)
{
    return result == KEY_FOUND ? LOOKUP_FOUND : result == KEY_FAILED ? LOOKUP_FAILED : LOOKUP_NONE;
}

/* key_service.h's callback */
static void on_answer(void *context, enum key_result result, const struct key_answer *key,
                      const char *reason)
{
    struct question *question = context;
    struct source_http *http = question->http;
    struct outcome outcome = {result, key, reason};

    if (lookups_is_revoked(question->lookup))
        outcome = (struct outcome){KEY_FAILED, NULL, "the key was revoked while it was asked for"};
    else if (result == KEY_FOUND)
        cache_key(question, key);
    else if (result != KEY_FAILED)
        key_cache_keep_no(http->cache, question->wanted,
                          result == KEY_NONE ? CACHE_NEGATIVE : CACHE_REFUSED,
                          clock_ms() + NO_LIFETIME);
    lookups_answer(http->lookups, question->lookup, verdict_of(result), &outcome);
    OPENSSL_free(question);
    event_active(http->tick, 0, 0);
}

/* lookups.h's callback */
static enum lookup_verdict ask(void *context, struct lookup *lookup,
                               const struct key_wanted *wanted, const void **now)
{
    struct source_http *http = context;
    struct question *question = OPENSSL_malloc(sizeof(*question));

    *now = &http->failed;
    http->failed = (struct outcome){KEY_FAILED, NULL, "out of memory"};
    if (question == NULL)
        return LOOKUP_FAILED;
    *question = (struct question){http, lookup, wanted};
    if (key_service_ask(http->services[wanted->system], wanted, on_answer, question,
                        &http->failed.reason))
        return LOOKUP_PENDING;
    OPENSSL_free(question);
    return LOOKUP_FAILED;
}

static void source_http_run_lookups(struct source_http *http)
{
    const struct timeval soon = {0, TICK};

    if (lookups_run(http->lookups, clock_ms()))
        loop_add_event(http->tick, &soon);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    source_http_run_lookups(context);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    const struct source_http *http = context;

    (void)fd;
    (void)what;
    key_cache_sweep(http->cache, clock_ms());
}

struct forgetting {
    struct loop_message message;
    struct source *source;
    char identity[];
};

static void on_forgetting(struct loop *loop, struct loop_message *message)
{
    struct forgetting *forgetting = (struct forgetting *)message;

    (void)loop;
    source_http_forget(forgetting->source, forgetting->identity);
    OPENSSL_free(forgetting);
}

static void forget(struct source *source, const char *identity)
{
    const size_t size = strlen(identity) + 1;
    struct forgetting *forgetting = OPENSSL_malloc(sizeof(*forgetting) + size);

    if (forgetting == NULL)
        return;
    forgetting->message.run = on_forgetting;
    forgetting->source = source;
    memcpy(forgetting->identity, identity, size);
    loop_post(source_http_loop(source), &forgetting->message);
}

void source_http_forget(struct source *source, const char *identity)
{
    struct source_http *http = (struct source_http *)source;

    for (enum key_system system = 0; system < KEY_SYSTEMS; system++) {
        key_cache_forget(http->cache, system, identity);
        lookups_revoke(http->lookups, system, identity);
    }
}

void source_http_use_identity(struct source *source, struct tls_files *identity)
{
    const struct source_http *http = (const struct source_http *)source;

    if (http->http == NULL)
        tls_files_free(identity);
    else
        http_use_identity(http->http, identity);
}

struct loop *source_http_loop(struct source *source)
{
    return ((struct source_http *)source)->loops->loop;
}

void source_http_stop(struct source *source)
{
    struct source_http *http = (struct source_http *)source;

    if (http->runs)
        loops_stop(http->loops);
    http->runs = false;
}

static void source_http_free(struct source *source)
{
    struct source_http *http = (struct source_http *)source;

    source_http_stop(source);
    http_free(http->http);
    http->http = NULL; /* what was posted to the loop finds none */
    for (size_t i = 0; i < KEY_SYSTEMS; i++)
        key_service_free(http->services[i]);
    key_cache_free(http->cache);
    lookups_free(http->lookups);
    if (http->tick != NULL)
        event_free(http->tick);
    if (http->sweep != NULL)
        event_free(http->sweep);
    loops_free(http->loops);
    source_free(http->file);
    OPENSSL_free(http);
}

static bool open_services(struct source_http *http, const struct source_http_setup *setup)
{
    for (size_t i = 0; i < KEY_SYSTEMS; i++)
        if (setup->services[i] != NULL &&
            (http->services[i] = key_service_new(http->http, setup->services[i])) == NULL)
            return false;
    return true;
}

static bool open_parts(struct source_http *http, const struct source_http_setup *setup)
{
    const struct lookups_setup lookups = {
        .per_second = setup->per_second,
        .per_network = setup->per_network,
        .max_active = HTTP_STREAMS_MAX,
        .waiting = WAITING_MAX,
        .timeout_ms = setup->milliseconds,
        .context = http,
        .ask = ask,
        .tell = source_http_tell,
    };
    const struct timeval sweep = {SWEEP, 0};
    struct event_base *base;

    http->loops = loops_new(1);
    if (http->loops == NULL)
        return false;
    base = http->loops->loop->base;
    http->http = http_new(http->loops->loop, setup->identity, setup->user_agent);
    http->cache = key_cache_new(KEYS_MAX, NEGATIVE_MAX);
    http->lookups = lookups_new(&lookups);
    http->tick = evtimer_new(base, on_tick, http);
    http->sweep = event_new(base, -1, EV_PERSIST, on_sweep, http);
    return http->http != NULL && http->cache != NULL && http->lookups != NULL &&
           http->tick != NULL && http->sweep != NULL && event_add(http->sweep, &sweep) == 0 &&
           open_services(http, setup);
}

bool source_http_start(struct source *source)
{
    struct source_http *http = (struct source_http *)source;

    http->runs = loops_start(http->loops);
    return http->runs;
}

static const struct source_ops http_ops = {source_http_lookup, source_http_cancel, forget,
                                           source_http_free};

struct source *source_http_new(const struct source_http_setup *setup, struct source *file)
{
    struct source_http *http = OPENSSL_zalloc(sizeof(*http));

    if (http == NULL) {
        source_free(file);
        return NULL;
    }
    http->source.ops = &http_ops;
    http->file = file;
    http->key_lifetime = (int64_t)setup->key_lifetime * 1000;
    if (open_parts(http, setup))
        return &http->source;
    source_http_free(&http->source);
    return NULL;
}
