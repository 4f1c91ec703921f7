/*
 * A current value, which a reload replaces while others use it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "current.h"

#include <openssl/crypto.h>
#include <stddef.h>

struct current_version {
    void *value;
    void (*free)(void *value);
    size_t users;
    struct current_version *older; /* still used */
};

struct current_version *current_prepare(void *value, void (*free)(void *value))
{
    struct current_version *version = OPENSSL_zalloc(sizeof(*version));

    if (version == NULL) {
        free(value);
        return NULL;
    }
    version->value = value;
    version->free = free;
    return version;
}

void current_drop(struct current_version *version)
{
    if (version != NULL)
        version->free(version->value);
    OPENSSL_free(version);
}

void current_put(struct current *current, struct current_version *version)
{
    struct current_version *old, *unused = NULL;

    (void)pthread_mutex_lock(&current->lock);
    old = current->newest;
    version->older = old;
    if (old != NULL && old->users == 0) {
        version->older = old->older;
        unused = old;
    }
    current->newest = version;
    (void)pthread_mutex_unlock(&current->lock);
    current_drop(unused);
}

bool current_replace(struct current *current, void *value)
{
    struct current_version *version = current_prepare(value, current->free);

    if (version != NULL)
        current_put(current, version);
    return version != NULL;
}

void current_init(struct current *current)
{
    (void)pthread_mutex_init(&current->lock, NULL);
    current->newest = NULL;
}

bool current_open(struct current *current, void *value, void (*free)(void *value))
{
    current_init(current);
    current->free = free;
    return current_replace(current, value);
}

const void *current_acquire(struct current *current)
{
    const void *value;

    (void)pthread_mutex_lock(&current->lock);
    current->newest->users++;
    value = current->newest->value;
    (void)pthread_mutex_unlock(&current->lock);
    return value;
}

void current_release(struct current *current, const void *value)
{
    struct current_version **place, *unused = NULL;

    (void)pthread_mutex_lock(&current->lock);
    place = &current->newest;
    while ((*place)->value != value)
        place = &(*place)->older;
    (*place)->users--;
    if ((*place)->users == 0 && *place != current->newest) {
        unused = *place;
        *place = unused->older;
    }
    (void)pthread_mutex_unlock(&current->lock);
    current_drop(unused);
}

void current_close(struct current *current)
{
    if (current->newest == NULL)
        return;
    current_drop(current->newest);
    (void)pthread_mutex_destroy(&current->lock);
    current->newest = NULL;
}
