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

uint32_t utf8_code_point(const unsigned char *character, size_t length)
{
    uint32_t number = length == 1 ? character[0] : character[0] & (0x7FU >> length);

    for (size_t i = 1; i < length; i++)
        number = number << 6 | (character[i] & 0x3FU);
    return number;
}

/* Code points from one to another. */
struct characters {
    uint32_t from, to;
};

static const struct characters unseen[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F},                   /* control characters */
    {0x00AD, 0x00AD}, {0x200B, 0x200F}, {0x2028, 0x202E}, /* format characters, separators */
    {0x2060, 0x2064}, {0x2066, 0x206F}, {0xFEFF, 0xFEFF}, /* format characters */
    {0xFDD0, 0xFDEF},                                     /* noncharacters */
};

static const struct characters blanks[] = {
    {0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};

#define COUNT(set) (sizeof(set) / sizeof((set)[0]))

static bool is_among(uint32_t number, const struct characters *set, size_t count)
{
    size_t i = 0;

    while (i < count && (number < set[i].from || number > set[i].to))
        i++;
    return i < count;
}

/* The last two code points of each plane are noncharacters as well. */
static bool is_unseen(uint32_t number)
{
    return (number & 0xFFFE) == 0xFFFE || is_among(number, unseen, COUNT(unseen));
}

static bool is_blank(uint32_t number)
{
    return is_among(number, blanks, COUNT(blanks));
}

/* Octets before the first character that is one of these, or malformed. */
static size_t length_before(const unsigned char *text, size_t length, bool (*is_one)(uint32_t))
{
    size_t at = 0;

    while (at < length) {
        const size_t used = utf8_character(text + at, length - at);

        if (used == 0 || is_one(utf8_code_point(text + at, used)))
            break;
        at += used;
    }
    return at;
}

/* Printable ASCII, as most text is; one loop, which compilers vectorise. */
static bool is_plain(const unsigned char *text, size_t length)
{
    unsigned char bad = 0;

    for (size_t i = 0; i < length; i++)
        bad |= (unsigned char)((unsigned char)(text[i] - ' ') >= 0x7F - ' ');
    return bad == 0;
}

const char *utf8_fault(const unsigned char *text, size_t length)
{
    size_t seen;

    if (is_plain(text, length))
        return NULL;
    seen = length_before(text, length, is_unseen);
    if (seen == length)
        return NULL;
    if (text[seen] == '\0')
        return "a NUL in the text; give it without";
    return utf8_character(text + seen, length - seen) == 0
               ? "malformed UTF-8; must be well-formed"
               : "a character that is not seen (control, format, separator or noncharacter); give "
                 "the text without";
}

bool utf8_find_unseen(const unsigned char *text, size_t length, uint32_t *character)
{
    const size_t seen = length_before(text, length, is_unseen);
    const size_t used = seen == length ? 0 : utf8_character(text + seen, length - seen);

    if (used > 0)
        *character = utf8_code_point(text + seen, used);
    return used > 0;
}

bool utf8_has_blank(const unsigned char *text, size_t length)
{
    return length_before(text, length, is_blank) < length;
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
