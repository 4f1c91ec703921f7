/*
 * Memory that runs out: the one allocation that is chosen fails
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "failing_malloc.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Thread_local bool counts;
static atomic_ulong chosen, seen; /* chosen 0: none is to fail */
static atomic_long live;

static bool is_to_fail(void)
{
    return counts && atomic_load(&chosen) != 0 &&
           atomic_fetch_add(&seen, 1) + 1 == atomic_load(&chosen);
}

static void *get(void *old, size_t size)
{
    const bool fails = is_to_fail();
    void *block = fails ? NULL : realloc(old, size);

    if (fails)
        errno = ENOMEM; /* as the C library's */
    if (block != NULL && old == NULL)
        (void)atomic_fetch_add(&live, 1);
    return block;
}

static void *failing_malloc_realloc(void *old, size_t size)
{
    return get(old, size);
}

static void *failing_malloc_malloc(size_t size)
{
    return get(NULL, size);
}

static void failing_malloc_free(void *block)
{
    if (block != NULL)
        (void)atomic_fetch_sub(&live, 1);
    free(block);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return get(NULL, size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return get(old, size);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    failing_malloc_free(block);
}

void failing_malloc_set_up(void)
{
    if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
        abort();
    json_set_alloc_funcs(failing_malloc_malloc, failing_malloc_free);
    event_set_mem_functions(failing_malloc_malloc, failing_malloc_realloc, failing_malloc_free);
}

void failing_malloc_here(void)
{
    counts = true;
}

void failing_malloc_arm(unsigned long number)
{
    atomic_store(&seen, 0);
    atomic_store(&chosen, number);
}

bool failing_malloc_disarm(void)
{
    return atomic_load(&seen) >= atomic_exchange(&chosen, 0);
}

long failing_malloc_live(void)
{
    return atomic_load(&live);
}
