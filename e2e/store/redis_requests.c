/*
 * A client of Redis on an event loop: its requests, one behind the other without waiting
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/redis_requests.h"

#include "net/clock.h"
#include "net/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 16
#define NO_MEMORY "out of memory"

void redis_set_timer(struct redis *redis, int64_t milliseconds)
{
    const int64_t watch = milliseconds < 0 ? 0 : milliseconds;
    const struct timeval time = {watch / 1000, (watch % 1000) * 1000};

    loop_add_event(redis->timer, &time);
}

void redis_watch_oldest(struct redis *redis)
{
    const struct redis_request *oldest = TAILQ_FIRST(&redis->sent);

    if (oldest == NULL)
        (void)event_del(redis->timer);
    else
        redis_set_timer(redis, oldest->deadline - clock_ms());
}

static void free_command(const void *octets, size_t length, void *command)
{
    (void)octets;
    if (command != NULL)
        OPENSSL_cleanse(command, length);
    redisFreeCommand(command);
}

static void discard(struct redis_request *request)
{
    free_command(NULL, request->length, request->command);
    OPENSSL_free(request);
}

/* It is in no list any more. */
static void finish(struct redis_request *request, const struct redis_reply *reply,
                   const char *reason)
{
    redis_done *done = request->done;
    void *argument = request->argument;

    discard(request);
    if (done != NULL)
        done(argument, reply, reason);
}

void redis_fail_all(struct redis_requests *requests, const char *reason)
{
    while (!TAILQ_EMPTY(requests)) {
        struct redis_request *request = TAILQ_FIRST(requests);

        TAILQ_REMOVE(requests, request, next);
        finish(request, NULL, reason);
    }
}

bool redis_transmit(struct redis *redis, struct redis_request *request)
{
    struct evbuffer *out = bufferevent_get_output(redis->connection);
    char *command = request->command;

    if (evbuffer_add_reference(out, command, request->length, free_command, command) != 0)
        return false;
    request->command = NULL;
    TAILQ_INSERT_TAIL(&redis->sent, request, next);
    return true;
}

/* NULL: out of memory. */
static struct redis_request *new_request(const struct redis_word *words, size_t count,
                                         redis_done *done, void *argument)
{
    struct redis_request *request = OPENSSL_zalloc(sizeof(*request));
    const char *octets[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    long long length; /* an int before hiredis 1 */

    if (request == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        octets[i] = words[i].octets;
        lengths[i] = words[i].length;
    }
    length = redisFormatCommandArgv(&request->command, (int)count, octets, lengths);
    if (length < 0) {
        OPENSSL_free(request);
        return NULL;
    }
    request->length = (size_t)length;
    request->deadline = clock_ms() + (int64_t)REDIS_SECONDS * 1000;
    request->done = done;
    request->argument = argument;
    return request;
}

bool redis_ask(struct redis *redis, const struct redis_word *words, size_t count, redis_done *done)
{
    struct redis_request *request = new_request(words, count, done, redis);

    if (request == NULL || redis_transmit(redis, request))
        return request != NULL;
    discard(request);
    return false;
}

bool redis_take_reply(void *argument, const struct redis_reply *reply)
{
    struct redis *redis = argument;
    struct redis_request *request = TAILQ_FIRST(&redis->sent);

    if (reply->kind == REDIS_LIST && strcmp(reply->text, "message") == 0) {
        redis->woken(redis->argument);
        return true;
    }
    if (request == NULL) {
        (void)snprintf(redis->fault, REDIS_REASON_SIZE,
                       "a reply arrived that nobody had asked for");
    } else {
        TAILQ_REMOVE(&redis->sent, request, next);
        finish(request, reply, NULL);
    }
    return redis->fault[0] == '\0';
}

struct redis_request *redis_send(struct redis *redis, const struct redis_word *words, size_t count,
                                 redis_done *done, void *argument, const char **reason)
{
    const bool is_first = TAILQ_EMPTY(&redis->sent);
    struct redis_request *request =
        redis->state == REDIS_WAITING ? NULL : new_request(words, count, done, argument);

    *reason = redis->state == REDIS_WAITING ? redis->reason : NO_MEMORY;
    if (request == NULL)
        return NULL;
    if (redis->state == REDIS_CONNECTING) {
        TAILQ_INSERT_TAIL(&redis->queued, request, next);
        return request;
    }
    if (!redis_transmit(redis, request)) {
        discard(request);
        return NULL;
    }
    if (is_first)
        redis_watch_oldest(redis);
    return request;
}

void redis_end(struct redis_request *request, const char *reason)
{
    finish(request, NULL, reason);
}

void redis_cancel(struct redis_request *request)
{
    request->done = NULL;
}
