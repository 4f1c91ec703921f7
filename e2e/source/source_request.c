/*
 * A request for a Ks_NAF on its way between a server's loop and the source's
 *
 * A request goes to the source's loop, waits there for an answer, and comes back with it. It is
 * released on the loop that it came from, and after a cancellation only once both sides know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source_http_internal.h"

#include "net/clock.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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
    struct sockaddr_storage peer;
    char identity[SOURCE_TEXT_SIZE], reason[SOURCE_TEXT_SIZE];
    struct source_answer answer;
};

static enum key_system system_of(enum identity_kind kind)
{
    return kind == IDENTITY_AKMA ? KEY_AKMA : KEY_GBA;
}

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

static void answer(struct source_request *request, const struct outcome *outcome)
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

void source_http_tell(void *context, struct lookup_waiter *waiter, const void *given)
{
    static const struct outcome given_up = {KEY_FAILED, NULL, "too many look-ups at a time"};
    struct source_request *request =
        (struct source_request *)((char *)waiter - offsetof(struct source_request, waiter));

    (void)context;
    answer(request, given == NULL ? &given_up : given);
}

/* A request has arrived. */
static void arrive(struct loop *loop, struct loop_message *message)
{
    static const struct outcome none = {KEY_NONE, NULL, NULL},
                                full = {KEY_FAILED, NULL, "too many look-ups at a time"},
                                paused = {KEY_FAILED, NULL,
                                          "the operator has asked to wait (Retry-After)"};
    struct source_request *request = (struct source_request *)message;
    struct source_http *http = request->http;
    const enum key_system system = system_of(request->kind);
    const struct sockaddr *peer = (const struct sockaddr *)&request->peer;
    const int64_t now = clock_ms();
    struct key_answer key;
    const struct outcome found = {KEY_FOUND, &key, NULL};

    (void)loop;
    switch (key_cache_find(http->cache, system, request->identity, now, &key)) {
    case CACHE_HIT:
        answer(request, &found);
        OPENSSL_cleanse(&key, sizeof(key));
        break;
    case CACHE_NEGATIVE:
        answer(request, &none);
        break;
    default:
        if (key_service_is_paused(http->services[system]))
            answer(request, &paused);
        else if (!lookups_wait(http->lookups, system, request->identity, peer, &request->waiter,
                               now))
            answer(request, &full);
        else
            source_http_run_lookups(http);
    }
}

static void come_back_cancelled(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    release_request(
        (struct source_request *)((char *)message - offsetof(struct source_request, cancel)));
}

static void arrive_cancelled(struct loop *loop, struct loop_message *message)
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

struct source_request *source_http_lookup(struct source *source, struct loop *loop,
                                          const struct source_query *query, source_done *done,
                                          void *argument, struct source_answer *now)
{
    struct source_http *http = (struct source_http *)source;
    struct source_request *request;

    if (http->services[system_of(query->kind)] == NULL && http->file != NULL)
        return http->file->ops->lookup(http->file, loop, query, done, argument, now);
    *now = (struct source_answer){.result = SOURCE_UNKNOWN};
    if (http->services[system_of(query->kind)] == NULL || !has_form(query->identity))
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
    copy_peer(request, query->peer);
    request->message.run = arrive;
    loop_post(http->loops->loop, &request->message);
    return request;
}

/* The file's look-ups are never pending: what is cancelled is one of ours. */
void source_http_cancel(struct source *source, struct source_request *request)
{
    (void)source;
    request->cancelled = true;
    request->cancel.run = arrive_cancelled;
    loop_post(request->http->loops->loop, &request->cancel);
}
