/*
 * A pattern of NAFs is read if and only if it is a FQDN, or "*." and a FQDN of two labels or more;
 * and it matches that name, or the names that end in it, whatever the case of their letters
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../naf/grammar.h"
#include "patterns.h"
#include "proof.h"

static bool has_dot(const unsigned char *text, size_t length)
{
    bool found = false;

    for (size_t i = 0; i < length; i++)
        found |= text[i] == '.';
    return found;
}

static unsigned char in_lower_case(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool ends_in(const unsigned char *name, size_t length, const unsigned char *end,
                    size_t end_length)
{
    if (end_length > length)
        return false;
    for (size_t i = 0; i < end_length; i++)
        if (in_lower_case(name[length - end_length + i]) != in_lower_case(end[i]))
            return false;
    return true;
}

void prove(void)
{
    unsigned char text[LENGTH], name[LENGTH];
    const size_t length = nondet_size(), name_length = nondet_size();
    struct pattern pattern;
    bool beneath, wanted, matches;

    GIVEN(length <= LENGTH && name_length <= LENGTH);
    beneath = length >= 2 && text[0] == '*' && text[1] == '.';
    wanted = beneath ? is_fqdn(text + 2, length - 2) && has_dot(text + 2, length - 2)
                     : is_fqdn(text, length);
    CLAIM((pattern_read_naf(&pattern, (const char *)text, length) == NULL) == wanted);
    if (!wanted)
        return;
    GIVEN(is_fqdn(name, name_length));
    matches = beneath ? name_length > length - 1 && ends_in(name, name_length, text + 1, length - 1)
                      : name_length == length && ends_in(name, name_length, text, length);
    CLAIM(pattern_matches_naf(&pattern, name, name_length) == matches);
}
