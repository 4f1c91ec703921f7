/*
 * Text: well-formed UTF-8, and names of ASCII whose case does not count
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "utf8.h"

#include <string.h>

/* Octets from one to another. */
struct range {
    unsigned char from, to;
};

/*
 * RFC 3629 clause 4, row by row: the first octet of a character, its second, and its length. All
 * further octets are of UTF8-tail. U+0000 is left out.
 */
static const struct form {
    struct range first, second;
    size_t length;
} forms[] = {
    {{0x01, 0x7F}, {0x00, 0x00}, 1},                                  /* UTF8-1 */
    {{0xC2, 0xDF}, {0x80, 0xBF}, 2},                                  /* UTF8-2 */
    {{0xE0, 0xE0}, {0xA0, 0xBF}, 3},                                  /* UTF8-3 */
    {{0xE1, 0xEC}, {0x80, 0xBF}, 3}, {{0xED, 0xED}, {0x80, 0x9F}, 3}, /* no surrogates */
    {{0xEE, 0xEF}, {0x80, 0xBF}, 3}, {{0xF0, 0xF0}, {0x90, 0xBF}, 4}, /* UTF8-4 */
    {{0xF1, 0xF3}, {0x80, 0xBF}, 4}, {{0xF4, 0xF4}, {0x80, 0x8F}, 4}, /* up to U+10FFFF */
};

static const struct range tail = {0x80, 0xBF}; /* UTF8-tail */

static bool is_in(struct range range, unsigned char octet)
{
    return octet >= range.from && octet <= range.to;
}

size_t utf8_character(const unsigned char *text, size_t length)
{
    const struct form *form = forms, *end = forms + sizeof(forms) / sizeof(forms[0]);

    while (form < end && !is_in(form->first, text[0]))
        form++;
    if (form == end || form->length > length)
        return 0;
    if (form->length > 1 && !is_in(form->second, text[1]))
        return 0;
    for (size_t i = 2; i < form->length; i++)
        if (!is_in(tail, text[i]))
            return 0;
    return form->length;
}

/* ASCII without NUL, as most text is; one loop, which compilers vectorise. */
static bool is_plain(const unsigned char *text, size_t length)
{
    unsigned char bad = 0;

    for (size_t i = 0; i < length; i++)
        bad |= (unsigned char)((unsigned char)(text[i] - 1) >= 0x7F);
    return bad == 0;
}

const char *utf8_fault(const unsigned char *text, size_t length)
{
    if (is_plain(text, length))
        return NULL;
    while (length > 0) {
        const size_t used = utf8_character(text, length);

        if (text[0] == '\0')
            return "a NUL in the text; give it without";
        if (used == 0)
            return "malformed UTF-8; must be well-formed";
        text += used;
        length -= used;
    }
    return NULL;
}

char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool ascii_same(const char *one, const char *other, size_t length)
{
    size_t i = 0;

    while (i < length && ascii_lower(one[i]) == ascii_lower(other[i]))
        i++;
    return i == length;
}

bool ascii_is(const char *known, const char *name, size_t length)
{
    return strlen(known) == length && ascii_same(known, name, length);
}
