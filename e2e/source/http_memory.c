/*
 * libcurl's memory; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_memory.h"

#include "queue.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 4096 /* octets: what is smaller takes nothing from a connection */
#define DIGITS_MIN 32   /* in a row: frames may split a key of 64, and one half is of this size */
#define PEM        "-----BEGIN "

/* Before each block. */
struct block {
    LIST_ENTRY(block) next; /* of those from BUFFER_MIN on */
    size_t size;
    _Alignas(max_align_t) unsigned char octets[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, block) buffers = LIST_HEAD_INITIALIZER(buffers);

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((unsigned char *)memory - offsetof(struct block, octets));
}

static void *allocate(size_t size)
{
    struct block *block = size > SIZE_MAX - sizeof(*block) ? NULL : malloc(sizeof(*block) + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    if (size >= BUFFER_MIN) {
        (void)pthread_mutex_lock(&lock);
        LIST_INSERT_HEAD(&buffers, block, next);
        (void)pthread_mutex_unlock(&lock);
    }
    return block->octets;
}

static void free_block(void *memory)
{
    struct block *block;

    if (memory == NULL)
        return;
    block = block_of(memory);
    if (block->size >= BUFFER_MIN) {
        (void)pthread_mutex_lock(&lock);
        LIST_REMOVE(block, next);
        (void)pthread_mutex_unlock(&lock);
    }
    OPENSSL_cleanse(block->octets, block->size);
    free(block);
}

static void *reallocate(void *memory, size_t size)
{
    const size_t before = memory == NULL ? 0 : block_of(memory)->size;
    void *moved = allocate(size);

    if (moved == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(moved, memory, before < size ? before : size);
    free_block(memory);
    return moved;
}

static char *duplicate(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = allocate(size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void *allocate_zeroes(size_t count, size_t size)
{
    const bool fits = size == 0 || count <= SIZE_MAX / size;
    void *memory = fits ? allocate(count * size) : NULL;

    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

bool http_memory_start(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, allocate, free_block, reallocate, duplicate,
                                allocate_zeroes) == CURLE_OK;
}

static size_t count_digits(const unsigned char *octets, size_t length)
{
    size_t count = 0;

    while (count < length && isxdigit(octets[count]))
        count++;
    return count;
}

/* curl's copies of the files for TLS, which it compares: a comment there may look like a key. */
static bool is_pem(const struct block *block)
{
    return memmem(block->octets, block->size, PEM, sizeof(PEM) - 1) != NULL;
}

static void forget_keys_of(struct block *block)
{
    size_t digits;

    if (is_pem(block))
        return;
    for (size_t at = 0; at < block->size; at += digits + 1) {
        digits = count_digits(block->octets + at, block->size - at);
        if (digits >= DIGITS_MIN)
            OPENSSL_cleanse(block->octets + at, digits);
    }
}

void http_memory_forget_keys(void)
{
    struct block *block;

    (void)pthread_mutex_lock(&lock);
    LIST_FOREACH(block, &buffers, next)
    {
        forget_keys_of(block);
    }
    (void)pthread_mutex_unlock(&lock);
}
