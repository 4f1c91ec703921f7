/*
 * Event loops: one per core, each a thread of the process with an event_base of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/loop.h"

#include "net/clock.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SLICE_MS   2   /* that messages are run for before other events have their turn */
#define WAKE_TRIES 100 /* a loop that is not woken up sleeps on its messages */
#define CALLBACKS  64  /* before sockets and timers are looked at again */

static const uint64_t one = 1;

/* The next message; NULL: there is none. */
static struct loop_message *take_one(struct loop *loop)
{
    struct loop_message *first = loop->rest;

    if (first == NULL) {
        (void)pthread_mutex_lock(&loop->lock);
        first = loop->first;
        loop->first = loop->last = NULL;
        (void)pthread_mutex_unlock(&loop->lock);
    }
    loop->rest = first == NULL ? NULL : first->next;
    return first;
}

/* A slice of what there is to do. False: there was nothing. */
static bool run_some(struct loop *loop)
{
    const int64_t end = clock_ms() + SLICE_MS;
    struct loop_message *message;
    bool was_any = false;

    while ((!was_any || clock_ms() < end) && (message = take_one(loop)) != NULL) {
        message->run(loop, message); /* which may release the message */
        was_any = true;
    }
    return was_any;
}

static bool has_more(struct loop *loop)
{
    bool more;

    (void)pthread_mutex_lock(&loop->lock);
    more = loop->rest != NULL || loop->first != NULL;
    (void)pthread_mutex_unlock(&loop->lock);
    return more;
}

/* Where messages are left, events that are ready come before them. */
static void wake_up(evutil_socket_t fd, short what, void *argument)
{
    uint64_t count;

    (void)what;
    (void)!read(fd, &count, sizeof(count));
    (void)run_some(argument);
    if (has_more(argument))
        (void)!write(fd, &one, sizeof(one));
}

void loop_post(struct loop *loop, struct loop_message *message)
{
    bool was_empty;

    message->next = NULL;
    (void)pthread_mutex_lock(&loop->lock);
    was_empty = loop->first == NULL;
    if (was_empty)
        loop->first = message;
    else
        loop->last->next = message;
    loop->last = message;
    (void)pthread_mutex_unlock(&loop->lock);
    for (int tries = 0; was_empty && tries < WAKE_TRIES; tries++)
        was_empty = write(loop->wake_fd, &one, sizeof(one)) < 0;
}

void loop_add_event(struct event *event, const struct timeval *limit)
{
    if (event_add(event, limit) != 0)
        event_active(event, EV_TIMEOUT, 0);
}

void loop_add_timer(struct event *event, int64_t milliseconds)
{
    const int64_t left = milliseconds < 0 ? 0 : milliseconds;
    const struct timeval limit = {.tv_sec = (time_t)(left / 1000),
                                  .tv_usec = (suseconds_t)(left % 1000 * 1000)};

    loop_add_event(event, &limit);
}

/*
 * libevent runs what is active until nothing is: a callback that makes itself active again, as a
 * relay does that yields, would keep every timer and every other socket waiting.
 */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_max_dispatch_interval(config, NULL, CALLBACKS, 0) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    return base;
}

static bool set_up(struct loop *loop, size_t index)
{
    loop->index = index;
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->base = make_base();
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->base == NULL || loop->wake_fd < 0)
        return false;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, wake_up, loop);
    return loop->wake != NULL && event_add(loop->wake, NULL) == 0;
}

struct loops *loops_new(size_t count)
{
    struct loops *loops = OPENSSL_zalloc(sizeof(*loops));
    bool done = loops != NULL;

    if (done) {
        loops->loop = OPENSSL_zalloc(count * sizeof(*loops->loop));
        done = loops->loop != NULL;
    }
    while (done && loops->count < count) {
        done = set_up(&loops->loop[loops->count], loops->count);
        loops->count++;
    }
    if (done)
        return loops;
    loops_free(loops);
    return NULL;
}

static void *run_loop(void *argument)
{
    struct loop *loop = argument;

    (void)event_base_dispatch(loop->base);
    OPENSSL_thread_stop();
    return NULL;
}

static void stop(struct loop *loop, struct loop_message *message)
{
    (void)message;
    (void)event_base_loopbreak(loop->base);
}

static void join_first(struct loops *loops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        loops->loop[i].stop.run = stop;
        loop_post(&loops->loop[i], &loops->loop[i].stop);
    }
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(loops->loop[i].thread, NULL);
}

bool loops_start(struct loops *loops)
{
    for (size_t i = 0; i < loops->count; i++)
        if (pthread_create(&loops->loop[i].thread, NULL, run_loop, &loops->loop[i]) != 0) {
            join_first(loops, i);
            return false;
        }
    return true;
}

void loops_stop(struct loops *loops)
{
    join_first(loops, loops->count);
}

static bool run_all_of_each(struct loops *loops)
{
    bool was_any = false;

    for (size_t i = 0; i < loops->count; i++)
        was_any = run_some(&loops->loop[i]) || was_any;
    return was_any;
}

void loops_free(struct loops *loops)
{
    if (loops == NULL)
        return;
    while (run_all_of_each(loops)) /* what was posted too late: its memory is released by it */
        continue;
    for (size_t i = 0; i < loops->count; i++) {
        struct loop *loop = &loops->loop[i];

        if (loop->wake != NULL)
            event_free(loop->wake);
        if (loop->base != NULL)
            event_base_free(loop->base);
        if (loop->wake_fd >= 0)
            (void)close(loop->wake_fd);
        (void)pthread_mutex_destroy(&loop->lock);
    }
    OPENSSL_free(loops->loop);
    OPENSSL_free(loops);
}
