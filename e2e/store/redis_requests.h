/*
 * A client of Redis on an event loop: what its connection and its requests have in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_REQUESTS_H
#define REDIS_REQUESTS_H

#include "net/connector.h"
#include "queue.h"
#include "store/redis.h"

#include <stdint.h>

#define REDIS_REASON_SIZE 256

enum redis_state { REDIS_WAITING, REDIS_CONNECTING, REDIS_READY };

struct redis_request {
    TAILQ_ENTRY(redis_request) next;
    char *command; /* to be sent; then the connection's */
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
    struct connector *connector;     /* while the socket is being connected */
    struct sockaddr_storage address; /* of the connection */
    struct bufferevent *connection;
    struct redis_replies *replies;
    struct redis_requests queued, sent; /* the oldest first */
    struct event *timer;
    unsigned int backoff; /* milliseconds */
    const char *channel;  /* NULL: none */
    redis_woken *woken;
    void *argument; /* woken's */
    char run_id[REDIS_RUN_ID_SIZE];
    char reason[REDIS_REASON_SIZE]; /* why there is no connection; empty: there is one */
    char fault[REDIS_REASON_SIZE];  /* what makes this connection useless; empty: nothing so far */
};

/* Have the timer go off in so many milliseconds; at once where that is less than 0. */
void redis_set_timer(struct redis *redis, int64_t milliseconds);

/* Wait for the oldest request's reply, or for the first request. */
void redis_watch_oldest(struct redis *redis);

/* Ask while the connection is being opened; done() gets redis. False: out of memory, no done(). */
bool redis_ask(struct redis *redis, const struct redis_word *words, size_t count, redis_done *done);

/*
 * Hand a command over to the connection, which cleanses it once it is sent. The request is in no
 * list before. False: out of memory, and then neither.
 */
bool redis_transmit(struct redis *redis, struct redis_request *request);

/* End a request that is in no list without a reply; from the loop. */
void redis_end(struct redis_request *request, const char *reason);

/* Each reply is that of the oldest request. False: the connection is useless; fault says why. */
bool redis_take_reply(void *redis, const struct redis_reply *reply);

/* End each of these requests without a reply. */
void redis_fail_all(struct redis_requests *requests, const char *reason);

#endif
