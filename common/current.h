/*
 * A current value, which a reload replaces while others use it
 *
 * A version is released when its last user releases it; the current one stays. All functions may be
 * called on any thread.
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

/* free: releases a value. False: out of memory, and value was released. */
bool current_open(struct current *current, void *value, void (*free)(void *value));

/* The current value; it stays as it is until it is released. */
const void *current_acquire(struct current *current);
void current_release(struct current *current, const void *value);

/* Put another value into use. False: out of memory, and value was released. */
bool current_replace(struct current *current, void *value);

/*
 * The same in two steps, to put several values into use together: first prepare each, which can
 * fail; then put all, or drop all (NULL is fine for both). NULL: out of memory, and value was
 * released.
 */
struct current_version *current_prepare(void *value, void (*free)(void *value));
void current_put(struct current *current, struct current_version *version);
void current_drop(struct current_version *version);

/* Instead of current_open(), before the first current_put(). */
void current_init(struct current *current);

/* Everything that was acquired must have been released. A structure of zeros is fine. */
void current_close(struct current *current);

#endif
