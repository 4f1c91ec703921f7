/*
 * Threads that derive with masters, because a token may take its time
 *
 * Jobs wait in a queue that is bounded, and come back to their loops. A thread that a token holds
 * up holds up nobody else; a caller that does not want to wait any longer gives the job up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_WORKERS_H
#define KA_WORKERS_H

#include "master.h"
#include "net/loop.h"
#include "queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KA_QUEUE_MAX 1024 /* jobs that wait for a thread */

/* Embedded in a look-up, as the first member. */
struct ka_job {
    struct loop_message message; /* run() is called on the loop when the job is done, or given up */
    TAILQ_ENTRY(ka_job) next;    /* the workers' */
    struct loop *loop;
    size_t master;              /* which one */
    const char *device, *ka_id; /* stay until run() */
    enum master_result result;
    bool is_given_up;                   /* read by run(); the result is nobody's */
    bool is_waiting;                    /* the workers' */
    unsigned char ka[MASTER_KA_LENGTH]; /* MASTER_OK; cleansed by the owner */
    char fault[MASTER_FAULT_SIZE];      /* otherwise */
};

struct ka_workers;

/* For that many threads; masters are kept, not copied. NULL: out of memory. */
struct ka_workers *ka_workers_new(struct master *const *masters, size_t count, size_t threads);

/*
 * Start the threads, which reach for the masters, and again and again for one that is away; they
 * wait up to patience_ms for the first outcome. False: fault says why, and the workers must be
 * stopped; a master that is not there yet is no reason, and is logged.
 */
bool ka_workers_start(struct ka_workers *workers, int64_t patience_ms,
                      char fault[MASTER_FAULT_SIZE]);

/* Have the masters been reached at the start? False: fault. */
bool ka_workers_are_up(struct ka_workers *workers, char fault[MASTER_FAULT_SIZE]);

/* False: the queue is full. */
bool ka_workers_submit(struct ka_workers *workers, struct ka_job *job);

/* True: the job is the caller's again. False: a thread has it, and run() comes anyway. */
bool ka_workers_give_up(struct ka_workers *workers, struct ka_job *job);

/* A master has had a job for too long, so that it is away. */
void ka_workers_say_late(struct ka_workers *workers, size_t master, const char *fault);

/* Let the threads end; one that a token holds up is left to itself. No job is under way. */
void ka_workers_stop(struct ka_workers *workers);

/*
 * Has a thread of any workers been left to itself? Then the process must end by _exit(): the ends
 * of the libraries that it is in would take away what it uses.
 */
bool ka_workers_were_left(void);

/* False: a thread is still held up, so that neither the workers nor the masters can be released. */
bool ka_workers_free(struct ka_workers *workers);

#endif
