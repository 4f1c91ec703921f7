/*
 * A client of Redis on an event loop: connects by itself, and again; asks without waiting
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis.h"

#include "clock.h"
#include "log.h"
#include "secret_file.h"
#include "tls_client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define WORDS_MAX    16
#define PASSWORD_MAX 512 /* octets */
#define REASON_SIZE  256

enum state { WAITING, CONNECTING, READY };

struct redis_request {
    TAILQ_ENTRY(redis_request) next;
    char *command; /* to be sent; then the connection's */
    size_t length;
    int64_t deadline; /* clock_ms() */
    redis_done *done; /* NULL: nobody waits for it */
    void *argument;
};

TAILQ_HEAD(requests, redis_request);

struct redis {
    const struct redis_setup *setup;
    struct event_base *base;
    enum state state;
    const struct addrinfo *place; /* the one that is tried */
    struct bufferevent *connection;
    struct redis_replies *replies;
    struct requests queued, sent; /* the oldest first */
    struct event *timer;
    unsigned int backoff; /* milliseconds */
    char run_id[REDIS_RUN_ID_SIZE];
    char reason[REASON_SIZE]; /* why there is no connection; empty: there is one */
    char fault[REASON_SIZE];  /* what makes this connection useless; empty: nothing so far */
};

static void connect_next(struct redis *redis);

static void set_timer(struct redis *redis, int64_t milliseconds)
{
    const int64_t wait = milliseconds < 0 ? 0 : milliseconds;
    const struct timeval time = {wait / 1000, (wait % 1000) * 1000};

    (void)event_add(redis->timer, &time);
}

/* Wait for the oldest request's reply, or for the first request. */
static void watch_oldest(struct redis *redis)
{
    const struct redis_request *oldest = TAILQ_FIRST(&redis->sent);

    if (oldest == NULL)
        (void)event_del(redis->timer);
    else
        set_timer(redis, oldest->deadline - clock_ms());
}

static void free_command(const void *octets, size_t length, void *command)
{
    (void)octets;
    if (command != NULL)
        OPENSSL_cleanse(command, length);
    redisFreeCommand(command);
}

static void finish(struct requests *requests, struct redis_request *request,
                   const struct redis_reply *reply, const char *reason)
{
    redis_done *done = request->done;
    void *argument = request->argument;

    TAILQ_REMOVE(requests, request, next);
    free_command(NULL, request->length, request->command);
    OPENSSL_free(request);
    if (done != NULL)
        done(argument, reply, reason);
}

static void fail_all(struct requests *requests, const char *reason)
{
    while (!TAILQ_EMPTY(requests))
        finish(requests, TAILQ_FIRST(requests), NULL, reason);
}

static void disconnect(struct redis *redis)
{
    if (redis->connection != NULL)
        bufferevent_free(redis->connection);
    redis->connection = NULL;
    redis_replies_free(redis->replies);
    redis->replies = NULL;
    redis->run_id[0] = '\0';
}

/* Give the connection up, and every request with it; try again in a while. */
static void drop(struct redis *redis, const char *reason)
{
    char sentence[REASON_SIZE];

    (void)snprintf(sentence, sizeof(sentence), "%s", reason);
    disconnect(redis);
    if (redis->state == CONNECTING && redis->place->ai_next != NULL) {
        redis->place = redis->place->ai_next;
        connect_next(redis);
        return;
    }
    if (strcmp(redis->reason, sentence) != 0) /* once, not at each attempt */
        log_event("store-down", "reason", sentence, NULL);
    memcpy(redis->reason, sentence, sizeof(sentence));
    redis->state = WAITING;
    set_timer(redis, redis->backoff);
    redis->backoff =
        2 * redis->backoff < REDIS_BACKOFF_MAX ? 2 * redis->backoff : REDIS_BACKOFF_MAX;
    fail_all(&redis->sent, redis->reason);
    fail_all(&redis->queued, redis->reason);
}

/* Hand a command over to the connection, which cleanses it once it is sent. */
static bool transmit(struct redis *redis, struct redis_request *request)
{
    struct evbuffer *out = bufferevent_get_output(redis->connection);
    char *command = request->command;

    TAILQ_INSERT_TAIL(&redis->sent, request, next);
    if (evbuffer_add_reference(out, command, request->length, free_command, command) != 0)
        return false;
    request->command = NULL;
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

/* One of the requests that open a connection. */
static bool ask(struct redis *redis, const struct redis_word *words, size_t count, redis_done *done)
{
    struct redis_request *request = new_request(words, count, done, redis);

    return request != NULL && transmit(redis, request);
}

static void authenticated(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct redis *redis = argument;

    (void)reason;
    if (reply != NULL && reply->kind != REDIS_STATUS)
        (void)snprintf(redis->fault, REASON_SIZE, "AUTH was refused: %.200s", reply->text);
}

/* The last thing before a connection is of use: which run of the server is this? */
static void identified(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct redis *redis = argument;

    (void)reason;
    if (reply == NULL || redis->fault[0] != '\0')
        return;
    if (!redis_reply_run_id(reply, redis->run_id)) {
        (void)snprintf(redis->fault, REASON_SIZE, "INFO server gave no run_id: %.200s",
                       reply->kind == REDIS_ERROR ? reply->text : "is this a Redis?");
        return;
    }
    redis->state = READY;
    redis->backoff = REDIS_BACKOFF_MIN;
    redis->reason[0] = '\0';
    log_event("store-up", "run-id", redis->run_id, NULL);
    while (!TAILQ_EMPTY(&redis->queued) && redis->fault[0] == '\0') {
        struct redis_request *request = TAILQ_FIRST(&redis->queued);

        TAILQ_REMOVE(&redis->queued, request, next);
        if (!transmit(redis, request))
            (void)snprintf(redis->fault, REASON_SIZE, "out of memory");
    }
}

/* AUTH [user] password; the password's line end is not part of it. */
static bool authenticate(struct redis *redis)
{
    static const struct secret_file kind = {"--store-password-file", PASSWORD_MAX};
    const char *user = redis->setup->user;
    size_t length = 0, octets;
    char *password = secret_file_read(&kind, redis->setup->password_file, false, &length);
    struct redis_word words[] = {{"AUTH", 4}, {user, user == NULL ? 0 : strlen(user)}, {NULL, 0}};
    bool done = false;

    if (password != NULL) {
        octets = strcspn(password, "\r\n");
        words[2] = (struct redis_word){password, octets};
        if (user == NULL)
            words[1] = words[2];
        done = ask(redis, words, user == NULL ? 2 : 3, authenticated);
        secret_file_free(password, length);
    }
    return done;
}

static void greet(struct redis *redis)
{
    static const struct redis_word info[] = {{"INFO", 4}, {"server", 6}};
    const int yes = 1;

    (void)setsockopt(bufferevent_getfd(redis->connection), IPPROTO_TCP, TCP_NODELAY, &yes,
                     sizeof(yes));
    if (redis->setup->password_file != NULL && !authenticate(redis))
        drop(redis, "--store-password-file cannot be read");
    else if (!ask(redis, info, 2, identified))
        drop(redis, "out of memory");
}

/* Each reply is that of the oldest request. */
static bool take_reply(void *argument, const struct redis_reply *reply)
{
    struct redis *redis = argument;
    struct redis_request *request = TAILQ_FIRST(&redis->sent);

    if (request == NULL)
        (void)snprintf(redis->fault, REASON_SIZE, "a reply came that nobody has asked for");
    else
        finish(&redis->sent, request, reply, NULL);
    return redis->fault[0] == '\0';
}

static void read_replies(struct bufferevent *connection, void *argument)
{
    struct evbuffer *in = bufferevent_get_input(connection);
    struct redis *redis = argument;
    bool fine = true;

    while (fine && evbuffer_get_length(in) > 0) {
        const size_t length = evbuffer_get_contiguous_space(in);
        const char *octets = (const char *)evbuffer_pullup(in, (ev_ssize_t)length);

        fine = redis_replies_feed(redis->replies, octets, length, take_reply, redis);
        (void)evbuffer_drain(in, length);
    }
    if (fine)
        watch_oldest(redis);
    else
        drop(redis, redis->fault[0] != '\0' ? redis->fault : "what came is no reply of Redis");
}

/* Why did a connection end? */
static const char *failure(struct bufferevent *connection, short what)
{
    const unsigned long error = bufferevent_get_openssl_error(connection);

    if (error != 0)
        return ERR_reason_error_string(error);
    if ((what & BEV_EVENT_ERROR) != 0 && EVUTIL_SOCKET_ERROR() != 0)
        return evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
    return "the server has closed the connection";
}

static void change(struct bufferevent *connection, short what, void *argument)
{
    struct redis *redis = argument;

    if ((what & BEV_EVENT_CONNECTED) != 0)
        greet(redis);
    else
        drop(redis, failure(connection, what));
}

/* A connection over TLS, if so set up, that is not connected yet. */
static struct bufferevent *new_connection(const struct redis *redis)
{
    SSL *ssl;

    if (redis->setup->tls == NULL)
        return bufferevent_socket_new(redis->base, -1, BEV_OPT_CLOSE_ON_FREE);
    ssl = tls_client_new(redis->setup->tls, redis->setup->host);
    return ssl == NULL
               ? NULL
               : bufferevent_openssl_socket_new(redis->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                BEV_OPT_CLOSE_ON_FREE);
}

static void connect_next(struct redis *redis)
{
    redis->state = CONNECTING;
    redis->fault[0] = '\0';
    redis->replies = redis_replies_new();
    redis->connection = new_connection(redis);
    set_timer(redis, (int64_t)REDIS_SECONDS * 1000);
    if (redis->replies == NULL || redis->connection == NULL) {
        drop(redis, "out of memory");
        return;
    }
    bufferevent_setcb(redis->connection, read_replies, NULL, change, redis);
    (void)bufferevent_enable(redis->connection, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(redis->connection, redis->place->ai_addr,
                                   (int)redis->place->ai_addrlen) != 0)
        drop(redis, strerror(errno));
}

static void time_is_up(evutil_socket_t fd, short what, void *argument)
{
    struct redis *redis = argument;

    (void)fd, (void)what;
    if (redis->state == WAITING) {
        redis->place = redis->setup->places;
        connect_next(redis);
    } else {
        drop(redis, "the server does not answer");
    }
}

struct redis *redis_new(struct event_base *base, const struct redis_setup *setup)
{
    struct redis *redis = OPENSSL_zalloc(sizeof(*redis));

    if (redis == NULL)
        return NULL;
    TAILQ_INIT(&redis->queued);
    TAILQ_INIT(&redis->sent);
    redis->base = base;
    redis->setup = setup;
    redis->place = setup->places;
    redis->backoff = REDIS_BACKOFF_MIN;
    redis->timer = evtimer_new(base, time_is_up, redis);
    if (redis->timer == NULL) {
        OPENSSL_free(redis);
        return NULL;
    }
    connect_next(redis);
    return redis;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL)
        return;
    disconnect(redis);
    fail_all(&redis->sent, NULL); /* nobody waits for those that are left */
    fail_all(&redis->queued, NULL);
    event_free(redis->timer);
    OPENSSL_free(redis);
}

const char *redis_run_id(const struct redis *redis)
{
    return redis->run_id;
}

struct redis_request *redis_send(struct redis *redis, const struct redis_word *words, size_t count,
                                 redis_done *done, void *argument)
{
    struct redis_request *request =
        redis->state == WAITING ? NULL : new_request(words, count, done, argument);

    if (request == NULL) {
        if (done != NULL)
            done(argument, NULL, redis->state == WAITING ? redis->reason : "out of memory");
        return NULL;
    }
    if (redis->state == CONNECTING) {
        TAILQ_INSERT_TAIL(&redis->queued, request, next);
    } else {
        const bool first = TAILQ_EMPTY(&redis->sent);

        (void)transmit(redis, request); /* where it fails, the time limit ends it */
        if (first)
            watch_oldest(redis);
    }
    return request;
}

void redis_cancel(struct redis_request *request)
{
    request->done = NULL;
}
