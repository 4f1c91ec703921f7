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

#ifndef LAST_NUMBER_FAILS
#    define LAST_NUMBER_FAILS true
#endif

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What has been read of a FQDN so far. */
struct reading {
    bool is_ok;                /* every octet is allowed in a name, every label that ended is one */
    bool starts_well, may_end; /* of the present label: its first, its last octet is no hyphen */
    unsigned char label;       /* octets of the present label */
    unsigned char digits;      /* digits read last, one after the other */
};

/*
 * Labels are of 1 to 63 letters, digits and hyphens, no hyphen at their ends; dots between. The
 * last one is no number.
 */
static bool is_label(const struct reading *reading)
{
    return reading->label >= 1 && reading->label <= 63 && reading->starts_well && reading->may_end;
}

static struct reading read_octet(struct reading so_far, unsigned char c)
{
    so_far.digits = (unsigned char)(c >= '0' && c <= '9' ? so_far.digits + 1 : 0);
    if (c == '.') {
        so_far.is_ok = so_far.is_ok && is_label(&so_far);
        so_far.label = 0;
        return so_far;
    }
    if (so_far.label == 0)
        so_far.starts_well = c != '-';
    so_far.may_end = c != '-';
    so_far.is_ok = so_far.is_ok && (is_letter_or_digit(c) || c == '-');
    so_far.label++;
    return so_far;
}

static bool is_name(const struct reading *reading, size_t length)
{
    const bool is_number = LAST_NUMBER_FAILS && reading->digits == reading->label;

    return reading->is_ok && is_label(reading) && !is_number && length <= 253;
}

static bool is_fqdn(const unsigned char *text, size_t length)
{
    struct reading reading = {.is_ok = true};

    for (size_t i = 0; i < length; i++)
        reading = read_octet(reading, text[i]);
    return is_name(&reading, length);
}

/* Five octets, the first of them none of a host name; all zero if it is zero. */
static bool is_ua_protocol(const unsigned char *octets, size_t length)
{
    if (length != 5 || is_letter_or_digit(octets[0]) || octets[0] == '-' || octets[0] == '.')
        return false;
    return octets[0] != 0 || (octets[1] | octets[2] | octets[3] | octets[4]) == 0;
}

#endif
