/*
 * The forms of SUPI and IMPI said once more, over a text that utf8.c is asked about
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMS_H
#define FORMS_H

#include "proof.h"
#include "subscriber.h"
#include "utf8.h"

#include <string.h>

#define LENGTH 16

/* What utf8.c would find; proved in text/. */
static bool is_text, has_blank;

const char *utf8_fault(const unsigned char *text, size_t length)
{
    (void)text, (void)length;
    return is_text ? NULL : "a fault";
}

bool utf8_has_blank(const unsigned char *text, size_t length)
{
    (void)text, (void)length;
    return has_blank;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool ascii_same(const char *one, const char *other, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (lower((unsigned char)one[i]) != lower((unsigned char)other[i]))
            return false;
    return true;
}

/* In any case. */
static bool begins_with(const unsigned char *text, size_t length, const char *prefix)
{
    return length >= strlen(prefix) && ascii_same((const char *)text, prefix, strlen(prefix));
}

/* One '@', neither first nor last. */
static bool is_nai_form(const unsigned char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += text[i] == '@';
    return count == 1 && text[0] != '@' && text[length - 1] != '@';
}

#endif
