/*
 * Hexadecimal text to octets, and back
 *
 * There are no branches, which random digits make unpredictable, and no table, whose use shows a
 * key in the cache. Each step works on single octets, so that compilers turn it into a few vector
 * instructions for many digits at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"

#include <openssl/crypto.h>
#include <string.h>

#define CHUNK ((size_t)16) /* octets at a time */

/* All ones if value < limit, else 0; for limits up to 128. */
static inline unsigned char below(unsigned char value, unsigned char limit)
{
    const unsigned char not_below = (unsigned char)(value | ((value & 0x7FU) + 0x80U - limit));

    return (unsigned char)((not_below >> 7) - 1U);
}

/* The value of a digit; of anything else 16. */
static inline unsigned char digit_value(unsigned char digit)
{
    const unsigned char number = (unsigned char)(digit - '0');
    const unsigned char letter = (unsigned char)((digit | 0x20U) - 'a');
    const unsigned char is_number = below(number, 10), is_letter = below(letter, 6);

    return (unsigned char)((number & is_number) | ((letter + 10U) & is_letter) |
                           (16U & ~((unsigned int)is_number | is_letter)));
}

/* The lower-case digit of a value below 16. */
static inline char digit_of(unsigned int value)
{
    return (char)(value + '0' +
                  (~(unsigned int)below((unsigned char)value, 10) & ('a' - '0' - 10)));
}

/* Decode so many octets. Returns the OR of their digits' values: below 16 if all were digits. */
static inline unsigned char decode(unsigned char *restrict octets, const char *restrict hex,
                                   size_t length)
{
    unsigned char all = 0;

    for (size_t i = 0; i < length; i++) {
        const unsigned char high = digit_value((unsigned char)hex[2 * i]);
        const unsigned char low = digit_value((unsigned char)hex[2 * i + 1]);

        all |= high | low;
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return all;
}

bool hex_decode(unsigned char *octets, const char *hex, size_t digits)
{
    unsigned char chunk[CHUNK], all = 0; /* the octets may take the place of the hex */
    size_t left = digits / 2;

    for (; left >= CHUNK; left -= CHUNK, octets += CHUNK, hex += 2 * CHUNK) {
        all |= decode(chunk, hex, CHUNK);
        memcpy(octets, chunk, CHUNK);
    }
    all |= decode(chunk, hex, left);
    memcpy(octets, chunk, left);
    OPENSSL_cleanse(chunk, sizeof(chunk));
    return all < 16 && digits % 2 == 0;
}

size_t hex_encode(char *restrict hex, const unsigned char *restrict octets, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digit_of(octets[i] >> 4);
        hex[2 * i + 1] = digit_of(octets[i] & 0x0FU);
    }
    return 2 * length;
}
