/*
 * Secret octets that a context owns
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "octets.h"

#include <openssl/crypto.h>
#include <string.h>

void octets_init(struct octets *octets, unsigned char *embedded, size_t capacity)
{
    octets->data = octets->embedded = embedded;
    octets->capacity = capacity;
    octets->length = 0;
}

bool octets_reserve(struct octets *octets, size_t capacity)
{
    struct octets larger = *octets;

    if (capacity <= octets->capacity)
        return true;
    larger.data = OPENSSL_secure_malloc(capacity);
    if (larger.data == NULL)
        return false;
    memcpy(larger.data, octets->data, octets->length);
    larger.capacity = capacity;
    octets_free(octets);
    *octets = larger;
    return true;
}

void octets_splice(struct octets *octets, size_t offset, size_t old, const unsigned char *value,
                   size_t length)
{
    unsigned char *place = octets->data + offset;

    if (length != old) {
        memmove(place + length, place + old, octets->length - offset - old);
        if (length < old)
            OPENSSL_cleanse(octets->data + octets->length - (old - length), old - length);
        octets->length = octets->length - old + length;
    }
    if (length > 0)
        memcpy(place, value, length);
}

void octets_free(struct octets *octets)
{
    OPENSSL_cleanse(octets->data, octets->length);
    if (octets->data != octets->embedded)
        OPENSSL_secure_free(octets->data);
}
