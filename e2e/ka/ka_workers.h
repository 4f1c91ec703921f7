/*
 * Threads that derive with masters, because a token may take its time
 *
 * Jobs wait in a bounded queue, and come back to their loops. A thread that hangs in a token delays
 * no other; a caller that does not want to wait any longer gives its job up.
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
    bool is_given_up;                   /* then run() ignores the result */
    bool is_waiting;                    /* the workers' */
    unsigned char ka[MASTER_KA_LENGTH]; /* MASTER_OK; cleansed by the owner */
    char fault[MASTER_FAULT_SIZE];      /* otherwise */
};

struct ka_workers;

/* For that many threads; masters are kept, not copied. NULL: out of memory. */
struct ka_workers *ka_workers_new(struct master *const *masters, size_t count, size_t threads);

/*
 * Start the threads. They open the masters, retrying those that are unavailable; the call waits up
 * to timeout_ms for the first outcome. False: fault says why, and the workers must be stopped. A
 * master that is not available yet is only logged.
 */
bool ka_workers_start(struct ka_workers *workers, int64_t timeout_ms,
                      char fault[MASTER_FAULT_SIZE]);

/* Were all masters opened at the start? False: fault. */
bool ka_workers_are_up(struct ka_workers *workers, char fault[MASTER_FAULT_SIZE]);

/* False: the queue is full. */
bool ka_workers_submit(struct ka_workers *workers, struct ka_job *job);

/* True: the job is the caller's again. False: a thread has it, and run() comes anyway. */
bool ka_workers_give_up(struct ka_workers *workers, struct ka_job *job);

/* Report that a job has taken too long: its master counts as unavailable. */
void ka_workers_say_late(struct ka_workers *workers, size_t master, const char *fault);

/* End the threads; one that hangs in a token is abandoned. No job may be under way. */
void ka_workers_stop(struct ka_workers *workers);

/*
 * Was a thread of any workers abandoned? Then the process must end by _exit(), because exit
 * handlers would release libraries that the thread still uses.
 */
bool ka_workers_were_left(void);

/* False: a thread still hangs, so neither the workers nor the masters can be released. */
bool ka_workers_free(struct ka_workers *workers);

#endif
