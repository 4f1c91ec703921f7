/*
 * The operator's network as a source of Ks_NAF: NEF or AAnF for AKMA, BSF for GBA
 *
 * Its parts, what the operator is asked for, and what becomes of the answer. The requests of server
 * loops are in source_request.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source_http_internal.h"

#include "net/clock.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

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
    enum key_system system;
    const char *identity; /* the look-up's */
};

/* A key is kept until its end, or for as long as was set. */
static void keep(const struct question *question, const struct key_answer *key)
{
    const int64_t lifetime = question->http->key_lifetime;
    const int64_t left = key->not_after - (int64_t)time(NULL);

    key_cache_keep(question->http->cache, question->system, question->identity, key,
                   clock_ms() + (left < lifetime / 1000 ? left * 1000 : lifetime));
}

static enum lookup_verdict verdict_of(enum key_result result)
{
    return result == KEY_FOUND ? LOOKUP_FOUND : result == KEY_NONE ? LOOKUP_NONE : LOOKUP_FAILED;
}

/* key_service.h's callback */
static void on_answer(void *context, enum key_result result, const struct key_answer *key,
                      const char *reason)
{
    struct question *question = context;
    struct source_http *http = question->http;
    struct outcome outcome = {result, key, reason};

    if (lookups_is_void(question->lookup))
        outcome = (struct outcome){KEY_FAILED, NULL, "the key was revoked while it was asked for"};
    else if (result == KEY_FOUND)
        keep(question, key);
    else if (result == KEY_NONE)
        key_cache_keep(http->cache, question->system, question->identity, NULL,
                       clock_ms() + NO_LIFETIME);
    lookups_answer(http->lookups, question->lookup, verdict_of(result), &outcome);
    OPENSSL_free(question);
    event_active(http->tick, 0, 0);
}

/* lookups.h's callback */
static enum lookup_verdict ask(void *context, struct lookup *lookup, enum key_system system,
                               const char *identity, const void **now)
{
    struct source_http *http = context;
    struct question *question = OPENSSL_malloc(sizeof(*question));

    *now = &http->failed;
    http->failed = (struct outcome){KEY_FAILED, NULL, "out of memory"};
    if (question == NULL)
        return LOOKUP_FAILED;
    *question = (struct question){http, lookup, system, identity};
    if (key_service_ask(http->services[system], identity, on_answer, question,
                        &http->failed.reason))
        return LOOKUP_PENDING;
    OPENSSL_free(question);
    return LOOKUP_FAILED;
}

void source_http_run_lookups(struct source_http *http)
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

static void arrive_forgetting(struct loop *loop, struct loop_message *message)
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
    forgetting->message.run = arrive_forgetting;
    forgetting->source = source;
    memcpy(forgetting->identity, identity, size);
    loop_post(source_http_loop(source), &forgetting->message);
}

void source_http_forget(struct source *source, const char *identity)
{
    struct source_http *http = (struct source_http *)source;

    for (enum key_system system = 0; system < KEY_SYSTEMS; system++) {
        key_cache_forget(http->cache, system, identity);
        lookups_void(http->lookups, system, identity);
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
    http->http = http_new(http->loops->loop, setup->identity);
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
