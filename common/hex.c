/*
 * Hexadecimal text to octets, and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"

/* All ones if value < limit, for values below 2^31. */
static unsigned int below(unsigned int value, unsigned int limit)
{
    return 0U - ((value - limit) >> 31);
}

/*
 * The value of a digit; of anything else 16. Without branches, which nothing can predict where
 * digits are random, and without a table, whose place in a cache tells of a key.
 */
static unsigned int digit_value(unsigned char digit)
{
    const unsigned int number = (digit - (unsigned int)'0') & 0xFFU;
    const unsigned int letter = ((digit | 0x20U) - (unsigned int)'a') & 0xFFU;
    const unsigned int is_number = below(number, 10), is_letter = below(letter, 6);

    return (number & is_number) | ((letter + 10) & is_letter) | (16U & ~(is_number | is_letter));
}

bool hex_decode(unsigned char *octets, const char *hex, size_t digits)
{
    unsigned int wrong = 0;

    for (size_t i = 0; i < digits / 2; i++) {
        const unsigned int high = digit_value((unsigned char)hex[2 * i]);
        const unsigned int low = digit_value((unsigned char)hex[2 * i + 1]);

        wrong |= high | low;
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return digits % 2 == 0 && wrong < 16;
}

size_t hex_encode(char *hex, const unsigned char *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[octets[i] >> 4];
        hex[2 * i + 1] = digits[octets[i] & 0x0F];
    }
    return 2 * length;
}
