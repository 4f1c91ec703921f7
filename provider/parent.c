/*
 * The library context that loaded us, and the child of it that HMAC is fetched from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "parent.h"

#include <pthread.h>
#include <stddef.h>

/* All parents, because libcrypto registers and deregisters a child by the handle alone. */
static struct parent *parents;
static pthread_mutex_t parents_lock = PTHREAD_MUTEX_INITIALIZER;

static void parents_add(struct parent *parent)
{
    (void)pthread_mutex_lock(&parents_lock);
    parent->next = parents;
    parents = parent;
    (void)pthread_mutex_unlock(&parents_lock);
}

static void parents_remove(const struct parent *parent)
{
    struct parent **place = &parents;

    (void)pthread_mutex_lock(&parents_lock);
    while (*place != parent)
        place = &(*place)->next;
    *place = parent->next;
    (void)pthread_mutex_unlock(&parents_lock);
}

/* One that was added. */
static struct parent *parents_find(const OSSL_CORE_HANDLE *handle)
{
    struct parent *parent;

    (void)pthread_mutex_lock(&parents_lock);
    parent = parents;
    while (parent->handle != handle)
        parent = parent->next;
    (void)pthread_mutex_unlock(&parents_lock);
    return parent;
}

static int on_activated(const OSSL_CORE_HANDLE *provider, void *vparent)
{
    struct parent *parent = vparent;

    if (!parent->activated(provider, parent->child))
        return 0;
    parent->active++;
    if (provider == parent->handle)
        parent->knows_us = true;
    return 1;
}

static int on_deactivated(const OSSL_CORE_HANDLE *provider, void *vparent)
{
    struct parent *parent = vparent;

    parent->active--;
    return parent->deactivated(provider, parent->child);
}

static int on_properties_set(const char *properties, void *vparent)
{
    const struct parent *parent = vparent;

    return parent->properties_set(properties, parent->child);
}

static int register_child(const OSSL_CORE_HANDLE *handle,
                          int (*activated)(const OSSL_CORE_HANDLE *provider, void *child),
                          int (*deactivated)(const OSSL_CORE_HANDLE *provider, void *child),
                          int (*properties_set)(const char *properties, void *child), void *child)
{
    struct parent *parent = parents_find(handle);

    parent->activated = activated;
    parent->deactivated = deactivated;
    parent->properties_set = properties_set;
    parent->child = child;
    return parent->register_child(handle, on_activated, on_deactivated, on_properties_set, parent);
}

static void deregister_child(const OSSL_CORE_HANDLE *handle)
{
    const struct parent *parent = parents_find(handle);

    if (!parent->knows_us || parent->active > 0)
        parent->deregister_child(handle);
}

/* Put ours in the place of one of the parent's functions. */
static OSSL_DISPATCH replaced(struct parent *parent, const OSSL_DISPATCH *function)
{
    switch (function->function_id) {
    case OSSL_FUNC_PROVIDER_REGISTER_CHILD_CB:
        parent->register_child = OSSL_FUNC_provider_register_child_cb(function);
        return (OSSL_DISPATCH){function->function_id, (void (*)(void))register_child};
    case OSSL_FUNC_PROVIDER_DEREGISTER_CHILD_CB:
        parent->deregister_child = OSSL_FUNC_provider_deregister_child_cb(function);
        return (OSSL_DISPATCH){function->function_id, (void (*)(void))deregister_child};
    default:
        return *function;
    }
}

static size_t count_functions(const OSSL_DISPATCH *in)
{
    size_t count = 0;

    while (in[count].function_id != 0)
        count++;
    return count;
}

OSSL_LIB_CTX *parent_child_new(struct parent *parent, const OSSL_CORE_HANDLE *handle,
                               const OSSL_DISPATCH *in)
{
    const size_t count = count_functions(in);
    OSSL_DISPATCH *functions = OPENSSL_zalloc((count + 1) * sizeof(*functions));
    OSSL_LIB_CTX *child;

    if (functions == NULL)
        return NULL;
    *parent = (struct parent){.handle = handle};
    for (size_t i = 0; i < count; i++)
        functions[i] = replaced(parent, &in[i]);
    parents_add(parent);
    child = OSSL_LIB_CTX_new_child(handle, functions);
    if (child == NULL)
        parents_remove(parent);
    OPENSSL_free(functions);
    return child;
}

void parent_child_free(struct parent *parent, OSSL_LIB_CTX *child)
{
    if (child == NULL)
        return;
    OSSL_LIB_CTX_free(child);
    parents_remove(parent);
}
