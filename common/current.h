/*
 * A current value, which a reload replaces while others use it
 *
 * Every version goes with its last user; the current one stays. All of it on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CURRENT_H
#define CURRENT_H

#include <pthread.h>
#include <stdbool.h>

struct current_version;

struct current {
    pthread_mutex_t lock;
    struct current_version *newest;
    void (*free)(void *value); /* current_replace() */
};

/* free: releases a value. False: out of memory, and value is released; so it is in the next but
 * one. */
bool current_open(struct current *current, void *value, void (*free)(void *value));

/* The current value; it stays as it is until it is released. */
const void *current_acquire(struct current *current);
void current_release(struct current *current, const void *value);

/* Put another one into use. */
bool current_replace(struct current *current, void *value);

/*
 * The same in steps, if several values are put into use together: what can fail comes first.
 * NULL: out of memory, and value is released. Then it is put, or dropped (NULL is fine there).
 */
struct current_version *current_prepare(void *value, void (*free)(void *value));
void current_put(struct current *current, struct current_version *version);
void current_drop(struct current_version *version);

/* Before the first current_put(), in the place of current_open(). */
void current_init(struct current *current);

/* Everything that was acquired must have been released. One that is all zero is fine. */
void current_close(struct current *current);

#endif
