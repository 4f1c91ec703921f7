/*
 * Jobs through threads and out again in their order
 *
 * One thread, the caller's, fills jobs and drains them; as many as there are processors run them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

struct pipeline;

/* What is to be done; argument is the caller's, job one of the numbers 0 to jobs - 1. */
struct pipeline_work {
    void *(*enter)(void *argument);                         /* once a thread; NULL: failed */
    void (*run)(void *argument, void *entered, size_t job); /* in a thread */
    void (*leave)(void *entered);                           /* once a thread */
    void *argument;
};

/* Start the threads. NULL: there are none, or a thread could not be entered. */
struct pipeline *pipeline_new(const struct pipeline_work *work);

/* The same with so many threads, at most 64; 0: as many as there are processors. */
struct pipeline *pipeline_new_of(const struct pipeline_work *work, size_t threads);

/* How many jobs can be under way. */
size_t pipeline_jobs(const struct pipeline *pipeline);

/* The number of a job to be filled; false: all are under way, drain one first. */
bool pipeline_fill(struct pipeline *pipeline, size_t *job);

/* The job that was to be filled is. */
void pipeline_filled(struct pipeline *pipeline);

/* Wait for the oldest job that is under way; false: there is none. */
bool pipeline_drain(struct pipeline *pipeline, size_t *job);

/* Let the threads end, and release. NULL is fine. */
void pipeline_free(struct pipeline *pipeline);

#endif
