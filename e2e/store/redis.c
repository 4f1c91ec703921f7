/*
 * A client of Redis on an event loop: its connection, which it makes by itself, and again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/redis.h"

#include "net/clock.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/tls_client.h"
#include "ops/health.h"
#include "ops/log.h"
#include "printable.h"
#include "queue.h"
#include "store/redis_io.h"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDIS_REASON_SIZE 256

enum redis_state {
    REDIS_WAITING,     /* for the next attempt to connect */
    REDIS_CONNECTING,  /* TCP, or a socket of the file system */
    REDIS_GREETING,    /* TLS, AUTH, and which run of the server it is */
    REDIS_SUBSCRIBING, /* one with a channel */
    REDIS_READY
};

struct redis_request {
    TAILQ_ENTRY(redis_request) next;
    char *command; /* to be sent; then NULL */
    size_t length;
    int64_t deadline; /* clock_ms() */
    redis_done *done; /* NULL: nobody waits for it */
    void *argument;
};

TAILQ_HEAD(redis_requests, redis_request);

struct redis {
    const struct redis_setup *setup;
    struct loop *loop;
    enum redis_state state;
    struct health_view health;
    struct connector *connector;     /* while the socket is being connected */
    struct sockaddr_storage address; /* of the connection */
    struct redis_io *io;
    struct redis_replies *replies;
    struct redis_requests queued, sent; /* the oldest first */
    struct event *timer;
    unsigned int backoff;   /* milliseconds */
    bool has_tried_another; /* of the name's addresses, since the last pause */
    const char *channel;    /* NULL: none */
    redis_woken *woken;
    void *argument; /* woken's */
    char run_id[REDIS_RUN_ID_SIZE];
    char reason[REDIS_REASON_SIZE]; /* why there is no connection; empty: there is one */
    char fault[REDIS_REASON_SIZE];  /* what makes this connection useless; empty: nothing so far */
};

#define WORDS_MAX 16
#define NO_MEMORY "out of memory"

/* Wait for the oldest request's reply, or for the first request. */
static void redis_watch_oldest(struct redis *redis)
{
    const struct redis_request *oldest = TAILQ_FIRST(&redis->sent);

    if (oldest == NULL)
        (void)event_del(redis->timer);
    else
        loop_add_timer(redis->timer, oldest->deadline - clock_ms());
}

static void free_command(struct redis_request *request)
{
    if (request->command != NULL)
        OPENSSL_cleanse(request->command, request->length);
    redisFreeCommand(request->command);
    request->command = NULL;
}

static void discard(struct redis_request *request)
{
    free_command(request);
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

/* End each of these requests without a reply. */
static void redis_fail_all(struct redis_requests *requests, const char *reason)
{
    while (!TAILQ_EMPTY(requests)) {
        struct redis_request *request = TAILQ_FIRST(requests);

        TAILQ_REMOVE(requests, request, next);
        finish(request, NULL, reason);
    }
}

/*
 * Hand a command over to the connection, which copies it. The request is in no
 * list before. False: out of memory, and then neither.
 */
static bool redis_transmit(struct redis *redis, struct redis_request *request)
{
    if (!redis_io_add(redis->io, request->command, request->length))
        return false;
    free_command(request);
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

/* Ask while the connection is being opened; done() gets redis. False: out of memory, no done(). */
static bool redis_ask(struct redis *redis, const struct redis_word *words, size_t count,
                      redis_done *done)
{
    struct redis_request *request = new_request(words, count, done, redis);

    if (request == NULL || redis_transmit(redis, request))
        return request != NULL;
    discard(request);
    return false;
}

/* Each reply is that of the oldest request. False: the connection is useless; fault says why. */
static bool redis_take_reply(void *argument, const struct redis_reply *reply)
{
    struct redis *redis = argument;
    struct redis_request *request = TAILQ_FIRST(&redis->sent);

    if (reply->kind == REDIS_LIST && strcmp(reply->text, "message") == 0) {
        redis->woken(redis->argument);
        return true;
    }
    if (request == NULL) {
        (void)snprintf(redis->fault, REDIS_REASON_SIZE, "an unexpected reply arrived");
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
    if (redis->state == REDIS_CONNECTING || redis->state == REDIS_GREETING) {
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

/* End a request that is in no list without a reply; from the loop. */
static void redis_end(struct redis_request *request, const char *reason)
{
    finish(request, NULL, reason);
}

void redis_cancel(struct redis_request *request)
{
    request->done = NULL;
}

#define PASSWORD_MAX 512 /* octets */

static void disconnect(struct redis *redis)
{
    connector_stop(redis->connector);
    redis->connector = NULL;
    redis_io_free(redis->io);
    redis->io = NULL;
    redis_replies_free(redis->replies);
    redis->replies = NULL;
    redis->run_id[0] = '\0';
}

static void start_connecting(struct redis *redis);

/* At once, if a name may have another address: what is queued is asked there. */
static bool try_another(struct redis *redis, const char *reason)
{
    if (redis->has_tried_another)
        return false;
    redis->has_tried_another = true;
    disconnect(redis);
    redis_fail_all(&redis->sent, reason); /* the greeting */
    start_connecting(redis);
    return true;
}

/* Give the connection up, and every request with it; try again in a while. */
static void give_up(struct redis *redis, const char *reason)
{
    char sentence[REDIS_REASON_SIZE];

    (void)snprintf(sentence, sizeof(sentence), "%s", reason);
    if (redis->state == REDIS_GREETING) {
        connector_blame(&redis->address, CONNECTOR_BLAME_MS);
        if (try_another(redis, sentence))
            return;
    }
    disconnect(redis);
    health_down(HEALTH_STORE, &redis->health, sentence);
    /* once, not at each attempt; of a channel what the other connections do not say */
    if (strcmp(redis->reason, sentence) != 0 && (redis->channel == NULL || redis->fault[0] != '\0'))
        log_event("store-down", "reason", sentence, NULL);
    memcpy(redis->reason, sentence, sizeof(sentence));
    redis->has_tried_another = false;
    redis->state = REDIS_WAITING;
    loop_add_timer(redis->timer, redis->backoff);
    redis->backoff =
        2 * redis->backoff < REDIS_BACKOFF_MAX ? 2 * redis->backoff : REDIS_BACKOFF_MAX;
    redis_fail_all(&redis->sent, redis->reason);
    redis_fail_all(&redis->queued, redis->reason);
}

static void authenticated(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct redis *redis = argument;

    (void)reason;
    if (reply != NULL && reply->kind != REDIS_STATUS)
        (void)snprintf(redis->fault, REDIS_REASON_SIZE, "AUTH was refused: %.200s", reply->text);
}

/* The connection is of use. */
static void become_ready(struct redis *redis)
{
    redis->state = REDIS_READY;
    redis->backoff = REDIS_BACKOFF_MIN;
    redis->has_tried_another = false;
    redis->reason[0] = '\0';
    health_up(HEALTH_STORE, &redis->health);
}

static void subscribed(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct redis *redis = argument;

    (void)reason;
    if (reply == NULL)
        return;
    if (reply->kind != REDIS_LIST) {
        (void)snprintf(redis->fault, REDIS_REASON_SIZE, "SUBSCRIBE was refused: %.200s",
                       reply->text);
        return;
    }
    become_ready(redis);
    redis->woken(redis->argument); /* what was said before is looked for */
}

static void subscribe(struct redis *redis)
{
    const struct redis_word words[] = {{"SUBSCRIBE", 9}, {redis->channel, strlen(redis->channel)}};

    redis->state = REDIS_SUBSCRIBING;
    if (!redis_ask(redis, words, 2, subscribed))
        (void)snprintf(redis->fault, REDIS_REASON_SIZE, "out of memory");
}

/* The last thing before a connection is usable: which run of the server is this? */
static void identified(void *argument, const struct redis_reply *reply, const char *reason)
{
    struct redis *redis = argument;

    (void)reason;
    if (reply == NULL || redis->fault[0] != '\0')
        return;
    if (!redis_reply_run_id(reply, redis->run_id)) {
        (void)snprintf(redis->fault, REDIS_REASON_SIZE, "INFO server gave no run_id: %.200s",
                       reply->kind == REDIS_ERROR ? reply->text : "is this a Redis?");
        return;
    }
    if (redis->channel != NULL) {
        subscribe(redis);
        return;
    }
    become_ready(redis);
    log_event("store-up", "run-id", redis->run_id, NULL);
    while (!TAILQ_EMPTY(&redis->queued)) {
        struct redis_request *request = TAILQ_FIRST(&redis->queued);

        TAILQ_REMOVE(&redis->queued, request, next);
        if (!redis_transmit(redis, request))
            redis_end(request, "out of memory");
    }
}

/* Length octets and NUL; the password's line end is not part of it. */
static char *read_password(const char *path, size_t *length, char fault[SECRET_FILE_FAULT_SIZE])
{
    char *password = secret_file_read(path, PASSWORD_MAX, false, length, fault);

    if (password == NULL || strcspn(password, "\r\n") > 0)
        return password;
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "the first line has to be the password");
    secret_file_free(password, *length);
    return NULL;
}

bool redis_password_is_there(const char *path, char fault[SECRET_FILE_FAULT_SIZE])
{
    size_t length = 0;
    char *password = read_password(path, &length, fault);

    if (password != NULL)
        secret_file_free(password, length);
    return password != NULL;
}

/* AUTH [user] password */
static bool authenticate(struct redis *redis, char fault[SECRET_FILE_FAULT_SIZE])
{
    const char *user = redis->setup->user;
    size_t length = 0;
    char *password = read_password(redis->setup->password_file, &length, fault);
    struct redis_word words[] = {{"AUTH", 4}, {user, user == NULL ? 0 : strlen(user)}, {NULL, 0}};
    bool done;

    if (password == NULL)
        return false;
    words[2] = (struct redis_word){password, strcspn(password, "\r\n")};
    if (user == NULL)
        words[1] = words[2];
    done = redis_ask(redis, words, user == NULL ? 2 : 3, authenticated);
    secret_file_free(password, length);
    if (!done)
        (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "out of memory");
    return done;
}

/* False: the connection was given up. */
static bool greet(void *argument)
{
    static const struct redis_word info[] = {{"INFO", 4}, {"server", 6}};
    char fault[SECRET_FILE_FAULT_SIZE], sentence[REDIS_REASON_SIZE];
    struct redis *redis = argument;

    if (redis->setup->password_file != NULL && !authenticate(redis, fault)) {
        (void)snprintf(sentence, sizeof(sentence), "--store-password-file: %.200s", fault);
        give_up(redis, sentence);
        return false;
    }
    if (redis_ask(redis, info, 2, identified))
        return true;
    give_up(redis, "out of memory");
    return false;
}

static bool on_octets(void *argument, const char *octets, size_t length)
{
    struct redis *redis = argument;

    if (redis_replies_feed(redis->replies, octets, length, redis_take_reply, redis)) {
        redis_watch_oldest(redis);
        return true;
    }
    give_up(redis, redis->fault[0] != '\0' ? redis->fault : "the answer is not a Redis reply");
    return false;
}

static void on_end(void *argument, const char *reason)
{
    give_up(argument, reason);
}

/* With the current CA, which a reload may change. */
static SSL *new_ssl(const struct redis_setup *setup)
{
    SSL_CTX *ctx = tls_ctx_current(setup->tls);
    SSL *ssl = ctx == NULL ? NULL : tls_client_new(ctx, setup->host, 0);

    SSL_CTX_free(ctx);
    return ssl;
}

/* A connection over a connected socket, with TLS if so set up. NULL: out of memory. */
static struct redis_io *new_connection(struct redis *redis, int fd)
{
    static const struct redis_io_calls calls = {greet, on_octets, on_end};
    SSL *ssl = redis->setup->tls != NULL ? new_ssl(redis->setup) : NULL;

    if (redis->setup->tls == NULL || ssl != NULL)
        return redis_io_new(redis->loop, fd, ssl, &calls, redis);
    (void)close(fd);
    return NULL;
}

static void on_connected(void *argument, const struct connected *connected)
{
    struct redis *redis = argument;

    redis->connector = NULL;
    if (connected->fd < 0) {
        give_up(redis, connected->reason);
        return;
    }
    redis->address = connected->address;
    redis->replies = redis_replies_new(redis->channel != NULL);
    redis->io = new_connection(redis, connected->fd);
    if (redis->replies != NULL && redis->io != NULL)
        redis->state = REDIS_GREETING;
    else
        give_up(redis, "out of memory");
}

static void start_connecting(struct redis *redis)
{
    const int64_t limit = (int64_t)REDIS_SECONDS * 1000;
    struct connected now;

    redis->state = REDIS_CONNECTING;
    redis->fault[0] = '\0';
    loop_add_timer(redis->timer, limit);
    redis->connector = connector_start(redis->loop, redis->setup->addrs, clock_ms() + limit,
                                       on_connected, redis, &now);
    if (redis->connector == NULL)
        on_connected(redis, &now);
}

static void time_is_up(evutil_socket_t fd, short what, void *argument)
{
    struct redis *redis = argument;

    (void)fd, (void)what;
    if (redis->state == REDIS_WAITING)
        start_connecting(redis);
    else
        give_up(redis, "the server does not answer");
}

void redis_ping(struct redis *redis)
{
    static const struct redis_word words[] = {{"PING", 4}};
    const char *reason;

    if (redis->state == REDIS_READY && TAILQ_EMPTY(&redis->sent))
        (void)redis_send(redis, words, 1, NULL, NULL, &reason);
}

struct redis *redis_new(struct loop *loop, const struct redis_setup *setup)
{
    return redis_subscribe(loop, setup, NULL, NULL, NULL);
}

struct redis *redis_subscribe(struct loop *loop, const struct redis_setup *setup,
                              const char *channel, redis_woken *woken, void *argument)
{
    struct redis *redis = OPENSSL_zalloc(sizeof(*redis));

    if (redis == NULL)
        return NULL;
    TAILQ_INIT(&redis->queued);
    TAILQ_INIT(&redis->sent);
    redis->loop = loop;
    redis->setup = setup;
    redis->channel = channel;
    redis->woken = woken;
    redis->argument = argument;
    redis->backoff = REDIS_BACKOFF_MIN;
    redis->has_tried_another = false;
    redis->timer = evtimer_new(loop->base, time_is_up, redis);
    if (redis->timer == NULL) {
        OPENSSL_free(redis);
        return NULL;
    }
    start_connecting(redis);
    return redis;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL)
        return;
    disconnect(redis);
    redis_fail_all(&redis->sent, NULL); /* nobody waits for those that are left */
    redis_fail_all(&redis->queued, NULL);
    event_free(redis->timer);
    OPENSSL_free(redis);
}

const char *redis_run_id(const struct redis *redis)
{
    return redis->run_id;
}
