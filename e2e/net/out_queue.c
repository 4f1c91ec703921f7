/*
 * Octets that wait to be written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/out_queue.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>

size_t out_queue_unsent(const struct out_queue *queue)
{
    return queue->length - queue->sent;
}

void out_queue_clear(struct out_queue *queue)
{
    OPENSSL_clear_free(queue->octets, queue->length);
    *queue = (struct out_queue){.octets = NULL};
}

/* What was written goes; a queue that has something grows by more than it needs. */
bool out_queue_make_room(struct out_queue *queue, size_t length)
{
    const size_t rest = out_queue_unsent(queue);
    size_t size = rest + length;
    char *larger;

    if (queue->size - queue->length >= length)
        return true;
    if (rest > 0)
        size += size / 2;
    larger = size > INT_MAX ? NULL : OPENSSL_malloc(size);
    if (larger == NULL)
        return false;
    if (rest > 0)
        memcpy(larger, queue->octets + queue->sent, rest);
    out_queue_clear(queue);
    *queue = (struct out_queue){.octets = larger, .length = rest, .size = size};
    return true;
}
