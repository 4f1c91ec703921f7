/*
 * A text that holds secrets and grows
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_buf.h"

#include "hex.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)4096)

/* Room for more octets at the end; NULL when out of memory, then and from then on. */
static char *reserve(struct secret_buf *text, size_t more)
{
    size_t size = text->size == 0 ? FIRST_SIZE : text->size;
    char *larger;

    while (size - text->length < more)
        size *= 2;
    if (text->failed || size == text->size)
        return text->failed ? NULL : text->octets + text->length;
    larger = OPENSSL_clear_realloc(text->octets, text->size, size);
    text->failed = larger == NULL;
    if (text->failed)
        return NULL;
    text->octets = larger;
    text->size = size;
    return text->octets + text->length;
}

void secret_buf_put(struct secret_buf *text, const void *octets, size_t length)
{
    char *place = reserve(text, length);

    if (place == NULL)
        return;
    memcpy(place, octets, length);
    text->length += length;
}

void secret_buf_puts(struct secret_buf *text, const char *words)
{
    secret_buf_put(text, words, strlen(words));
}

void secret_buf_hex(struct secret_buf *text, const unsigned char *octets, size_t length)
{
    char *place = reserve(text, 2 * length);

    if (place != NULL)
        text->length += hex_encode(place, octets, length);
}

bool secret_buf_read(struct secret_buf *text, int fd, size_t max)
{
    ssize_t got = 1;

    while (got > 0 && text->length <= max) {
        char *place = reserve(text, FIRST_SIZE);

        if (place == NULL)
            return false;
        got = read(fd, place, text->size - text->length);
        text->length += got > 0 ? (size_t)got : 0;
    }
    if (got > 0)
        errno = EFBIG;
    return got == 0;
}

char *secret_buf_copy(const struct secret_buf *text)
{
    return OPENSSL_memdup(text->length == 0 ? "" : text->octets,
                          text->length + (text->length == 0));
}

void secret_buf_free(struct secret_buf *text)
{
    OPENSSL_clear_free(text->octets, text->size);
    *text = (struct secret_buf){.octets = NULL};
}
