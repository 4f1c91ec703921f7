/*
 * Revocations in a shared store: from a third party to every process that uses the store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/revoked.h"

#include "ops/log.h"
#include "store/store_script.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME      "revocation" /* in the place of a record's identity: no record has it */
#define LOOK_MS   500          /* between two looks, if the channel does not wake */
#define AT_A_TIME 64           /* revocations that are asked for without waiting */
#define KEY_SIZE  64

/* Which members of a scope are given: the first octet of what is sealed as the key. */
enum { DEVICE = 1, KA_ID = 2, SUBJECT = 4, NAF = 8 };

static void put_member(struct store_record *record, char *text, const char *given, unsigned int bit)
{
    if (given == NULL)
        return;
    (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    record->key[0] |= (unsigned char)bit;
}

bool revoked_seal(const struct seal_keys *keys, const char *run_id, const struct store_scope *scope,
                  unsigned char sealed[SEALED_RECORD_MAX], size_t *length)
{
    struct store_record record = {.identity = NAME};

    put_member(&record, record.device, scope->device, DEVICE);
    put_member(&record, record.ka_id, scope->ka_id, KA_ID);
    put_member(&record, record.subject, scope->subject, SUBJECT);
    put_member(&record, record.naf, scope->naf, NAF);
    return sealed_record_make(keys, run_id, (uint64_t)time(NULL) + REVOKED_SECONDS, &record, sealed,
                              length);
}

static const char *member(const struct store_record *record, const char *text, unsigned int bit)
{
    return (record->key[0] & bit) != 0 ? text : NULL;
}

struct revoked_watch {
    struct current *keys;     /* struct seal_keys */
    struct redis *client;     /* for what is read */
    struct redis *subscriber; /* the channel's own */
    struct event *tick;
    store_revoked *revoked;
    void *argument;
    bool has_looked; /* what was revoked before the first look concerns nobody here */
    bool is_looking, again;
    char run_id[REDIS_RUN_ID_SIZE];
    unsigned long long last, wanted;           /* numbers: heard, and the store's last one */
    struct redis_request *requests[AT_A_TIME]; /* of one kind at a time; replies come in order */
    size_t sent, answered;
};

static void ask_count(void *argument);

/* Some cannot be read any more, so all connections have to end. */
static void miss(struct revoked_watch *watch)
{
    static const struct store_scope everything = {NULL, NULL, NULL, NULL};

    log_event("revocations-missed", "reason",
              "more were made, or longer ago, than the store keeps: all connections end", NULL);
    watch->last = watch->wanted;
    watch->revoked(watch->argument, &everything);
}

static void apply(struct revoked_watch *watch, const struct redis_reply *reply)
{
    struct store_record record = {.identity = NAME};
    struct store_scope scope;
    const struct seal_keys *keys = current_acquire(watch->keys);
    const char *wrong =
        sealed_record_open(keys, watch->run_id, (uint64_t)time(NULL),
                           (const unsigned char *)reply->text, reply->length, &record);

    current_release(watch->keys, keys);
    if (wrong != NULL) {
        log_event("revocation", "result", "refused", "reason", wrong, NULL);
        return;
    }
    scope = (struct store_scope){
        .device = member(&record, record.device, DEVICE),
        .ka_id = member(&record, record.ka_id, KA_ID),
        .subject = member(&record, record.subject, SUBJECT),
        .naf = member(&record, record.naf, NAF),
    };
    watch->revoked(watch->argument, &scope);
}

static void end_look(struct revoked_watch *watch)
{
    watch->is_looking = false;
    if (watch->again)
        ask_count(watch);
}

static void ask_for_more(struct revoked_watch *watch);

static void on_revocation(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct revoked_watch *watch = argument;

    (void)reason;
    watch->answered++;
    if (reply == NULL || reply->kind == REDIS_ERROR) {
        watch->wanted = watch->last; /* the next look asks for it again */
    } else if (watch->last < watch->wanted) {
        watch->last++;
        if (reply->kind == REDIS_TEXT)
            apply(watch, reply);
        else
            miss(watch);
    }
    if (watch->answered < watch->sent)
        return;
    if (watch->last < watch->wanted)
        ask_for_more(watch);
    else
        end_look(watch);
}

static bool ask(struct revoked_watch *watch, const char *key, redis_done *done)
{
    const struct redis_word words[] = {{"GET", 3}, {key, strlen(key)}};
    const char *reason;
    struct redis_request *request = redis_send(watch->client, words, 2, done, watch, &reason);

    if (request != NULL)
        watch->requests[watch->sent++] = request;
    return request != NULL;
}

static void ask_for_more(struct revoked_watch *watch)
{
    const unsigned long long left = watch->wanted - watch->last, first = watch->last + 1;
    const size_t count = left < AT_A_TIME ? (size_t)left : AT_A_TIME;

    watch->sent = watch->answered = 0;
    for (size_t i = 0; i < count; i++) {
        char key[KEY_SIZE];

        (void)snprintf(key, sizeof(key), STORE_SCRIPT_REVOKED ":%llu", first + i);
        if (!ask(watch, key, on_revocation))
            watch->wanted = watch->last; /* the next look asks for it again */
    }
    if (watch->sent == 0)
        end_look(watch);
}

static void on_count(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct revoked_watch *watch = argument;
    const char *run_id = redis_run_id(watch->client);

    (void)reason;
    watch->answered++;
    if (reply == NULL || (reply->kind != REDIS_TEXT && reply->kind != REDIS_NIL)) {
        end_look(watch);
        return;
    }
    watch->wanted = reply->kind == REDIS_NIL ? 0 : strtoull(reply->text, NULL, 10);
    if (!watch->has_looked)
        watch->last = watch->wanted;
    else if (strcmp(watch->run_id, run_id) != 0 || watch->wanted < watch->last)
        watch->last = 0; /* another run, or emptied: all of it is new */
    watch->has_looked = true;
    (void)OPENSSL_strlcpy(watch->run_id, run_id, sizeof(watch->run_id));
    if (watch->last < watch->wanted)
        ask_for_more(watch);
    else
        end_look(watch);
}

/* Ask how many there are; one question at a time, however often the channel wakes. */
static void ask_count(void *argument)
{
    struct revoked_watch *watch = argument;

    watch->again = watch->is_looking;
    if (watch->is_looking)
        return;
    watch->sent = watch->answered = 0;
    watch->is_looking = ask(watch, STORE_SCRIPT_REVOCATIONS, on_count);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct revoked_watch *watch = argument;

    (void)fd, (void)what;
    if (!watch->is_looking)
        ask_count(watch);
    redis_ping(watch->subscriber);
}

struct revoked_watch *revoked_watch_new(struct loop *loop, const struct redis_setup *setup,
                                        struct redis *client, struct current *keys,
                                        store_revoked *revoked, void *argument)
{
    static const struct timeval often = {.tv_usec = LOOK_MS * 1000L};
    struct revoked_watch *watch = OPENSSL_zalloc(sizeof(*watch));

    if (watch == NULL)
        return NULL;
    watch->keys = keys;
    watch->client = client;
    watch->revoked = revoked;
    watch->argument = argument;
    watch->subscriber = redis_subscribe(loop, setup, STORE_SCRIPT_REVOKED, ask_count, watch);
    watch->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, watch);
    if (watch->subscriber != NULL && watch->tick != NULL && event_add(watch->tick, &often) == 0) {
        ask_count(watch); /* the first question of all, before a key is asked for */
        return watch;
    }
    revoked_watch_free(watch);
    return NULL;
}

void revoked_watch_free(struct revoked_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->tick != NULL)
        event_free(watch->tick);
    redis_free(watch->subscriber);
    for (size_t i = watch->answered; i < watch->sent; i++)
        redis_cancel(watch->requests[i]);
    OPENSSL_free(watch);
}
