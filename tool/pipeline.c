/*
 * Jobs through threads and out again in their order
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline.h"

#include "processors.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>

#define THREADS_MAX 64

/* Jobs are a ring: filled ones begin at `taken`, the oldest that is under way is `drained`. */
struct pipeline {
    struct pipeline_work work;
    pthread_mutex_t lock;
    pthread_cond_t for_threads; /* a job has come, or the end */
    pthread_cond_t for_caller;  /* a job is done, or a thread has entered */
    pthread_t threads[THREADS_MAX];
    size_t count, jobs;
    size_t filled, taken, drained; /* how many ever; the job is that modulo jobs */
    bool done[2 * THREADS_MAX + 2];
    size_t entered; /* threads that are ready */
    bool failed, ending;
};

/* Wait for a job; false: there will be none. */
static bool take_job(struct pipeline *pipeline, size_t *job)
{
    bool taken;

    (void)pthread_mutex_lock(&pipeline->lock);
    while (pipeline->taken == pipeline->filled && !pipeline->ending)
        (void)pthread_cond_wait(&pipeline->for_threads, &pipeline->lock);
    taken = pipeline->taken < pipeline->filled && !pipeline->ending;
    if (taken)
        *job = pipeline->taken++ % pipeline->jobs;
    (void)pthread_mutex_unlock(&pipeline->lock);
    return taken;
}

static void give(struct pipeline *pipeline, size_t job)
{
    (void)pthread_mutex_lock(&pipeline->lock);
    pipeline->done[job] = true;
    (void)pthread_cond_signal(&pipeline->for_caller);
    (void)pthread_mutex_unlock(&pipeline->lock);
}

static void *run(void *argument)
{
    struct pipeline *pipeline = argument;
    void *entered = pipeline->work.enter(pipeline->work.argument);
    size_t job = 0;

    (void)pthread_mutex_lock(&pipeline->lock);
    pipeline->entered++;
    pipeline->failed = pipeline->failed || entered == NULL;
    (void)pthread_cond_signal(&pipeline->for_caller);
    (void)pthread_mutex_unlock(&pipeline->lock);
    while (entered != NULL && take_job(pipeline, &job)) {
        pipeline->work.run(pipeline->work.argument, entered, job);
        give(pipeline, job);
    }
    pipeline->work.leave(entered);
    OPENSSL_thread_stop();
    return NULL;
}

/* Signals are for the caller's thread, whose system calls they interrupt. */
static void start(struct pipeline *pipeline, size_t threads)
{
    const size_t wanted = threads < THREADS_MAX ? threads : THREADS_MAX;
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pipeline->count < wanted &&
           pthread_create(&pipeline->threads[pipeline->count], NULL, run, pipeline) == 0)
        pipeline->count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    pipeline->jobs = 2 * pipeline->count + 2;
}

struct pipeline *pipeline_new(const struct pipeline_work *work)
{
    return pipeline_new_of(work, 0);
}

struct pipeline *pipeline_new_of(const struct pipeline_work *work, size_t threads)
{
    struct pipeline *pipeline = OPENSSL_zalloc(sizeof(*pipeline));
    bool failed;

    if (pipeline == NULL)
        return NULL;
    pipeline->work = *work;
    (void)pthread_mutex_init(&pipeline->lock, NULL);
    (void)pthread_cond_init(&pipeline->for_threads, NULL);
    (void)pthread_cond_init(&pipeline->for_caller, NULL);
    start(pipeline, threads == 0 ? processors() : threads);
    (void)pthread_mutex_lock(&pipeline->lock);
    while (pipeline->entered < pipeline->count)
        (void)pthread_cond_wait(&pipeline->for_caller, &pipeline->lock);
    failed = pipeline->failed || pipeline->count == 0;
    (void)pthread_mutex_unlock(&pipeline->lock);
    if (!failed)
        return pipeline;
    pipeline_free(pipeline);
    return NULL;
}

size_t pipeline_jobs(const struct pipeline *pipeline)
{
    return pipeline->jobs;
}

bool pipeline_fill(struct pipeline *pipeline, size_t *job)
{
    *job = pipeline->filled % pipeline->jobs;
    return pipeline->filled - pipeline->drained < pipeline->jobs;
}

void pipeline_filled(struct pipeline *pipeline)
{
    (void)pthread_mutex_lock(&pipeline->lock);
    pipeline->done[pipeline->filled++ % pipeline->jobs] = false;
    (void)pthread_cond_signal(&pipeline->for_threads);
    (void)pthread_mutex_unlock(&pipeline->lock);
}

bool pipeline_drain(struct pipeline *pipeline, size_t *job)
{
    if (pipeline->drained == pipeline->filled)
        return false;
    *job = pipeline->drained % pipeline->jobs;
    (void)pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->done[*job])
        (void)pthread_cond_wait(&pipeline->for_caller, &pipeline->lock);
    (void)pthread_mutex_unlock(&pipeline->lock);
    pipeline->drained++;
    return true;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    (void)pthread_mutex_lock(&pipeline->lock);
    pipeline->ending = true;
    (void)pthread_cond_broadcast(&pipeline->for_threads);
    (void)pthread_mutex_unlock(&pipeline->lock);
    for (size_t i = 0; i < pipeline->count; i++)
        (void)pthread_join(pipeline->threads[i], NULL);
    (void)pthread_cond_destroy(&pipeline->for_threads);
    (void)pthread_cond_destroy(&pipeline->for_caller);
    (void)pthread_mutex_destroy(&pipeline->lock);
    OPENSSL_free(pipeline);
}
