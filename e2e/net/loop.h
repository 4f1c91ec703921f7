/*
 * Event loops: one per core, each a thread of the process with an event_base of its own
 *
 * What is created on a loop stays on it: its events, its connections, its requests. Another thread
 * reaches a loop only with loop_post(). A call into store.h, source.h or third_party.h names the
 * loop that it is made on, and its answer comes on that loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_H
#define LOOP_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;

/*
 * Something to be done on another loop. It is embedded, as the first member, in a structure of the
 * poster, so that posting needs no memory and cannot fail; run() may release it.
 */
struct loop_message {
    void (*run)(struct loop *loop, struct loop_message *message);
    struct loop_message *next; /* the loop's own */
};

struct loop {
    struct event_base *base;
    size_t index; /* 0 to loops' count - 1: for tables with one entry per loop */
    void *user;   /* the owner of the loops may keep something here */
    /* the loop's own */
    int wake_fd;
    struct event *wake;
    pthread_t thread;
    pthread_mutex_t lock;
    struct loop_message *first, *last;
    struct loop_message *rest; /* taken, and left for the loop's next turn */
    struct loop_message stop;
};

struct loops {
    size_t count;
    struct loop *loop; /* count of them */
};

/* count loops that do not run yet; NULL when out of memory or descriptors. */
struct loops *loops_new(size_t count);

/* Start a thread for each loop. False: a thread could not be had, and none runs. */
bool loops_start(struct loops *loops);

/*
 * Have message->run() called on a loop, from any thread, in the order of posting. Many messages are
 * run in slices of some milliseconds, so that events have their turn in between.
 */
void loop_post(struct loop *loop, struct loop_message *message);

/*
 * Add an event. If memory or the kernel fails it comes at once instead, as if its limit had been
 * reached, so that nothing waits for ever.
 */
void loop_add_event(struct event *event, const struct timeval *limit);

/* The same with a limit in milliseconds; less than 0: at once. */
void loop_add_timer(struct event *event, int64_t milliseconds);

/* End the threads, once each loop has done what was posted to it before. */
void loops_stop(struct loops *loops);

/* Do what was posted since, and release loops that do not run. NULL is fine. */
void loops_free(struct loops *loops);

#endif
