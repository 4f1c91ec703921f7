/*
 * UTF-8 as RFC 3629 clause 4 defines it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "utf8.h"

#include <string.h>

/* The rows of RFC 3629 clause 4: which first octets, and what the second one may be. */
static const struct {
    unsigned char first, last;
    unsigned char second_min, second_max;
    size_t length;
} forms[] = {
    {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* The octets after the first one, each with six bits of the code point; false: out of bounds. */
static bool read_rest(const unsigned char *octets, size_t length, unsigned char second_min,
                      unsigned char second_max, uint32_t *code_point)
{
    for (size_t i = 1; i < length; i++) {
        const unsigned char min = i == 1 ? second_min : 0x80, max = i == 1 ? second_max : 0xBF;

        if (octets[i] < min || octets[i] > max)
            return false;
        *code_point = *code_point << 6 | (octets[i] & 0x3FU);
    }
    return true;
}

size_t utf8_character(const char *text, size_t left, uint32_t *code_point)
{
    const unsigned char *octets = (const unsigned char *)text;

    if (left == 0)
        return 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const size_t length = forms[i].length;

        if (octets[0] < forms[i].first || octets[0] > forms[i].last)
            continue;
        *code_point = length == 1 ? octets[0] : octets[0] & (0xFFU >> (length + 1));
        return left >= length && read_rest(octets, length, forms[i].second_min, forms[i].second_max,
                                           code_point)
                   ? length
                   : 0;
    }
    return 0;
}

bool utf8_is_well_formed(const char *text, size_t length)
{
    uint32_t code_point;

    while (length > 0) {
        const size_t step = utf8_character(text, length, &code_point);

        if (step == 0)
            return false;
        text += step;
        length -= step;
    }
    return true;
}
