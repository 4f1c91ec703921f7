/*
 * Threads that derive with masters, because a token may take its time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_workers.h"

#include "net/clock.h"
#include "ops/health.h"
#include "ops/log.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STOP_SECONDS 2    /* for a thread that a token holds up */
#define RETRY_MS     1000 /* before a master that is down is reached for again */

static atomic_bool were_left;

struct worker_thread {
    struct ka_workers *workers;
    pthread_t thread;
    struct deriver **derivers; /* one of each master */
};

struct ka_workers {
    struct master *const *masters;
    size_t count; /* of masters */
    struct worker_thread *threads;
    size_t room, started; /* of threads */
    pthread_mutex_t lock;
    pthread_cond_t for_threads, for_start;
    TAILQ_HEAD(, ka_job) queue;
    size_t waiting;
    bool *is_down; /* of each master */
    size_t down;   /* how many of them are */
    bool is_ending, is_over, has_tried, is_trying;
    int64_t try_at; /* clock_ms(): when one that is down is reached for again */
    enum master_result reached;
    char fault[MASTER_FAULT_SIZE];
    bool is_held_up; /* a thread did not end */
};

/* The caller holds the lock. Log a change once: a master is unavailable, or all are available
 * again. */
static void log_change(struct ka_workers *workers, size_t master, enum master_result result,
                       const char *fault)
{
    const bool is_down = result != MASTER_OK, was_down = workers->is_down[master];

    workers->is_down[master] = is_down;
    if (is_down && !was_down) {
        workers->down++;
        workers->try_at = clock_ms() + RETRY_MS;
        log_event("ka-down", "reason", fault, NULL);
    } else if (!is_down && was_down && --workers->down == 0) {
        log_event("ka-up", NULL);
    }
    if (is_down)
        health_down(HEALTH_KA, NULL, fault);
    else if (workers->down == 0)
        health_up(HEALTH_KA, NULL);
}

/* The lock is not held. */
static enum master_result try_master(struct ka_workers *workers, size_t master,
                                     char fault[MASTER_FAULT_SIZE])
{
    const enum master_result result = master_open(workers->masters[master], fault);

    (void)pthread_mutex_lock(&workers->lock);
    if (!workers->is_over)
        log_change(workers, master, result, fault);
    (void)pthread_mutex_unlock(&workers->lock);
    return result;
}

/* Open the masters: a fault that somebody has to repair shows at the start. */
static void try_masters(struct ka_workers *workers)
{
    enum master_result reached = MASTER_OK, result;
    char fault[MASTER_FAULT_SIZE], why[MASTER_FAULT_SIZE] = "";

    for (size_t i = 0; i < workers->count && reached != MASTER_REFUSED; i++) {
        result = try_master(workers, i, fault);
        if (result == MASTER_OK)
            continue;
        reached = result;
        (void)snprintf(why, sizeof(why), "%s", fault);
    }
    (void)pthread_mutex_lock(&workers->lock);
    workers->has_tried = true;
    workers->reached = reached;
    (void)snprintf(workers->fault, sizeof(workers->fault), "%s", why);
    (void)pthread_cond_signal(&workers->for_start);
    (void)pthread_mutex_unlock(&workers->lock);
}

/* The lock is held, but while masters are reached for; by one thread at a time: it may be held up.
 */
static void try_those_down(struct ka_workers *workers)
{
    char fault[MASTER_FAULT_SIZE];

    workers->is_trying = true;
    for (size_t i = 0; i < workers->count; i++)
        if (workers->is_down[i]) {
            (void)pthread_mutex_unlock(&workers->lock);
            (void)try_master(workers, i, fault);
            (void)pthread_mutex_lock(&workers->lock);
        }
    workers->is_trying = false;
    workers->try_at = clock_ms() + RETRY_MS;
}

static struct timespec after(int64_t ms)
{
    struct timespec moment;

    (void)clock_gettime(CLOCK_REALTIME, &moment);
    moment.tv_sec += ms / 1000;
    moment.tv_nsec += (long)(ms % 1000) * 1000000;
    moment.tv_sec += moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    return moment;
}

/* The caller holds the lock. Wait for a job, for the end, or until a master has to be opened. */
static void wait_for_job(struct ka_workers *workers)
{
    const struct timespec until = after(RETRY_MS);
    int waited = 0;

    while (TAILQ_EMPTY(&workers->queue) && !workers->is_ending && waited == 0)
        if (workers->down == 0)
            (void)pthread_cond_wait(&workers->for_threads, &workers->lock);
        else
            waited = pthread_cond_timedwait(&workers->for_threads, &workers->lock, &until);
}

/* The next job; NULL: it is over. */
static struct ka_job *next_job(struct ka_workers *workers)
{
    struct ka_job *job = NULL;

    (void)pthread_mutex_lock(&workers->lock);
    while (!workers->is_ending) {
        if (workers->down > 0 && !workers->is_trying && workers->has_tried &&
            clock_ms() >= workers->try_at) {
            try_those_down(workers);
            continue;
        }
        job = TAILQ_FIRST(&workers->queue);
        if (job != NULL) {
            TAILQ_REMOVE(&workers->queue, job, next);
            job->is_waiting = false;
            workers->waiting--;
            break;
        }
        wait_for_job(workers);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return job;
}

/* If the token took very long, the loop may be gone, and nobody waits for the job. */
static void give_back(struct ka_workers *workers, struct ka_job *job)
{
    (void)pthread_mutex_lock(&workers->lock);
    if (!workers->is_over) {
        if (!job->is_given_up || job->result != MASTER_OK) /* too late is no good sign */
            log_change(workers, job->master, job->result, job->fault);
        loop_post(job->loop, &job->message);
    }
    (void)pthread_mutex_unlock(&workers->lock);
}

static void *run_worker(void *argument)
{
    const struct worker_thread *thread = argument;
    struct ka_workers *workers = thread->workers;
    struct ka_job *job;

    if (thread == &workers->threads[0])
        try_masters(workers);
    while ((job = next_job(workers)) != NULL) {
        job->result = deriver_derive(thread->derivers[job->master], job->device, job->ka_id,
                                     job->ka, job->fault);
        give_back(workers, job);
    }
    OPENSSL_thread_stop();
    return NULL;
}

static bool start_thread(struct ka_workers *workers, struct worker_thread *thread)
{
    thread->workers = workers;
    thread->derivers = OPENSSL_zalloc(workers->count * sizeof(struct deriver *));
    if (thread->derivers == NULL)
        return false;
    for (size_t i = 0; i < workers->count; i++)
        if ((thread->derivers[i] = deriver_new(workers->masters[i])) == NULL)
            return false;
    return pthread_create(&thread->thread, NULL, run_worker, thread) == 0;
}

/* Signals are for the thread that waits for them. */
static bool start_threads(struct ka_workers *workers)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (workers->started < workers->room &&
           start_thread(workers, &workers->threads[workers->started]))
        workers->started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return workers->started == workers->room;
}

/* True: they were reached, or may be there later. */
static bool wait_for_masters(struct ka_workers *workers, int64_t timeout_ms,
                             char fault[MASTER_FAULT_SIZE])
{
    const struct timespec until = after(timeout_ms);
    int waited = 0;
    bool done;

    (void)pthread_mutex_lock(&workers->lock);
    while (!workers->has_tried && waited == 0)
        waited = pthread_cond_timedwait(&workers->for_start, &workers->lock, &until);
    done = !workers->has_tried || workers->reached != MASTER_REFUSED;
    (void)snprintf(fault, MASTER_FAULT_SIZE, "%s", workers->fault);
    for (size_t i = 0; !workers->has_tried && i < workers->count; i++)
        log_change(workers, i, MASTER_UNAVAILABLE, "the token does not answer");
    (void)pthread_mutex_unlock(&workers->lock);
    return done;
}

struct ka_workers *ka_workers_new(struct master *const *masters, size_t count, size_t threads)
{
    struct ka_workers *workers = OPENSSL_zalloc(sizeof(*workers));

    if (workers == NULL)
        return NULL;
    workers->masters = masters;
    workers->count = count;
    TAILQ_INIT(&workers->queue);
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->for_threads, NULL);
    (void)pthread_cond_init(&workers->for_start, NULL);
    workers->is_down = OPENSSL_zalloc(count * sizeof(*workers->is_down));
    workers->threads = OPENSSL_zalloc(threads * sizeof(*workers->threads));
    workers->room = workers->threads == NULL ? 0 : threads;
    if (workers->is_down != NULL && workers->threads != NULL)
        return workers;
    (void)ka_workers_free(workers);
    return NULL;
}

bool ka_workers_start(struct ka_workers *workers, int64_t timeout_ms, char fault[MASTER_FAULT_SIZE])
{
    health_use(HEALTH_KA);
    if (start_threads(workers))
        return wait_for_masters(workers, timeout_ms, fault);
    (void)master_fault(fault, MASTER_REFUSED, "out of memory, or of threads");
    return false;
}

bool ka_workers_are_up(struct ka_workers *workers, char fault[MASTER_FAULT_SIZE])
{
    bool are_up;

    (void)pthread_mutex_lock(&workers->lock);
    are_up = workers->has_tried && workers->reached == MASTER_OK;
    (void)snprintf(fault, MASTER_FAULT_SIZE, "%s",
                   workers->has_tried ? workers->fault : "the token does not answer");
    (void)pthread_mutex_unlock(&workers->lock);
    return are_up;
}

bool ka_workers_submit(struct ka_workers *workers, struct ka_job *job)
{
    bool has_room;

    (void)pthread_mutex_lock(&workers->lock);
    has_room = workers->waiting < KA_QUEUE_MAX;
    if (has_room) {
        TAILQ_INSERT_TAIL(&workers->queue, job, next);
        job->is_waiting = true;
        workers->waiting++;
        (void)pthread_cond_signal(&workers->for_threads);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return has_room;
}

bool ka_workers_give_up(struct ka_workers *workers, struct ka_job *job)
{
    bool was_waiting;

    (void)pthread_mutex_lock(&workers->lock);
    was_waiting = job->is_waiting;
    if (was_waiting) {
        TAILQ_REMOVE(&workers->queue, job, next);
        job->is_waiting = false;
        workers->waiting--;
    }
    job->is_given_up = true;
    (void)pthread_mutex_unlock(&workers->lock);
    return was_waiting;
}

void ka_workers_say_late(struct ka_workers *workers, size_t master, const char *fault)
{
    (void)pthread_mutex_lock(&workers->lock);
    log_change(workers, master, MASTER_UNAVAILABLE, fault);
    (void)pthread_cond_broadcast(&workers->for_threads);
    (void)pthread_mutex_unlock(&workers->lock);
}

void ka_workers_stop(struct ka_workers *workers)
{
    const struct timespec until = after((int64_t)STOP_SECONDS * 1000);

    (void)pthread_mutex_lock(&workers->lock);
    workers->is_ending = true;
    (void)pthread_cond_broadcast(&workers->for_threads);
    (void)pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->started; i++)
        if (pthread_timedjoin_np(workers->threads[i].thread, NULL, &until) != 0) {
            (void)pthread_detach(workers->threads[i].thread);
            workers->is_held_up = true;
            were_left = true;
        }
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_over = true;
    (void)pthread_mutex_unlock(&workers->lock);
}

bool ka_workers_were_left(void)
{
    return were_left;
}

bool ka_workers_free(struct ka_workers *workers)
{
    if (workers == NULL)
        return true;
    if (workers->is_held_up)
        return false;
    for (size_t i = 0; i < workers->room; i++) {
        struct deriver **derivers = workers->threads[i].derivers;

        for (size_t n = 0; derivers != NULL && n < workers->count; n++)
            deriver_free(derivers[n]);
        OPENSSL_free(derivers);
    }
    OPENSSL_free(workers->threads);
    OPENSSL_free(workers->is_down);
    (void)pthread_mutex_destroy(&workers->lock);
    (void)pthread_cond_destroy(&workers->for_threads);
    (void)pthread_cond_destroy(&workers->for_start);
    OPENSSL_free(workers);
    return true;
}
