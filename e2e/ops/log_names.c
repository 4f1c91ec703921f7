/*
 * Names of subscribers within a sentence that others wrote
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_names.h"

#include <string.h>

#define DIGITS   "0123456789"
#define IN_A_ROW 5 /* digits: the shortest IMSI and MSISDN */

/* What comes between words; all of the rest can be in a name, or in its escaped form. */
static const char between[] = " \t\r\n\"'`,;<>()[]{}|\\";

/* The digits behind the last colon of host:port, and no others. */
static bool is_address(const char *word, size_t length)
{
    const char *colon = memrchr(word, ':', length);
    const size_t port = colon == NULL ? 0 : length - (size_t)(colon - word) - 1;

    return colon != NULL && colon > word && port == IN_A_ROW && strspn(colon + 1, DIGITS) >= port;
}

static bool has_digits(const char *word, size_t length)
{
    for (size_t at = 0; at + IN_A_ROW <= length; at++)
        if (strspn(word + at, DIGITS) >= IN_A_ROW)
            return true;
    return false;
}

static bool is_name(const char *word, size_t length)
{
    const char *percent = memmem(word, length, "%40", 3);

    if (memchr(word, '@', length) != NULL || percent != NULL)
        return true;
    return has_digits(word, is_address(word, length) ? length - IN_A_ROW : length);
}

bool log_names_next(const char *text, size_t *before, size_t *length)
{
    const char *word = text + strspn(text, between);

    for (; *word != '\0'; word += *length, word += strspn(word, between)) {
        *length = strcspn(word, between);
        while (*length > 1 && strchr(":.", word[*length - 1]) != NULL)
            --*length; /* the sentence's own */
        *before = (size_t)(word - text);
        if (is_name(word, *length))
            return true;
    }
    return false;
}
