/*
 * The grammar of a NAF_Id, said once more: an automaton that reads from left to right
 *
 * RFC 1123 2.1 and RFC 1035 2.3.4 for the FQDN, TS 33.220 Annex H for the identifier.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GRAMMAR_H
#define GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and hyphens, of 1 to 63 octets, no hyphen at their ends; dots between.
 */
static bool is_fqdn(const unsigned char *text, size_t length)
{
    size_t label = 0;     /* octets of this label so far */
    bool may_end = false; /* a letter or digit was the last octet */

    for (size_t i = 0; i < length; i++) {
        if (is_letter_or_digit(text[i])) {
            may_end = true;
            label++;
        } else if (text[i] == '-' && label > 0) {
            may_end = false;
            label++;
        } else if (text[i] == '.' && may_end) {
            may_end = false;
            label = 0;
        } else {
            return false;
        }
        if (label > 63)
            return false;
    }
    return may_end && length <= 253;
}

/* Five octets, the first of them none of a host name; all zero if it is zero. */
static bool is_ua_protocol(const unsigned char *octets, size_t length)
{
    if (length != 5 || is_letter_or_digit(octets[0]) || octets[0] == '-' || octets[0] == '.')
        return false;
    return octets[0] != 0 || (octets[1] | octets[2] | octets[3] | octets[4]) == 0;
}

#endif
