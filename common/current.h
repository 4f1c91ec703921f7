/*
 * A value in force, which a reload replaces while others use it
 *
 * Every version goes with its last user; the one in force stays. All of it on any thread.
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
    void (*free)(void *value);
};

/* free: releases a value. False: out of memory, and value is released; so it is in the next but
 * one. */
bool current_open(struct current *current, void *value, void (*free)(void *value));

/* The value in force; it stays as it is until it is released. */
const void *current_acquire(struct current *current);
void current_release(struct current *current, const void *value);

/* Put another one in force. */
bool current_replace(struct current *current, void *value);

/* Everything that was acquired must have been released. One that is all zero is fine. */
void current_close(struct current *current);

#endif
