/*
 * Dates in UTC as seconds since 1970, by libcrypto's calendar
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "utc.h"

#include <openssl/crypto.h>
#include <string.h>

#define DAY 86400

/* What the forms of a date-time differ in. */
static const struct form {
    const char *before_time, *utc;
    int last_second, offset_hours;
    bool needs_offset;
} forms[] = {
    [UTC_RFC_3339] = {"Tt", "Zz", 60, 23, true},
    [UTC_XML_SCHEMA] = {"T", "Z", 59, 14, false},
};

static const struct tm epoch = {.tm_year = 70, .tm_mday = 1};

/* OpenSSL 4.0's calendar has no leap second, so the second is added behind it. */
bool utc_seconds(const struct tm *date, int64_t *seconds)
{
    struct tm minute = *date;
    int days = 0, before = 0;

    minute.tm_sec = 0;
    if (!OPENSSL_gmtime_diff(&days, &before, &epoch, &minute))
        return false;
    *seconds = (int64_t)days * DAY + before + date->tm_sec;
    return true;
}

bool utc_date(int64_t seconds, struct tm *date)
{
    const int64_t days = seconds / DAY;

    *date = epoch;
    return days > -100000 && days < 10000000 &&
           OPENSSL_gmtime_adj(date, (int)days, (long)(seconds % DAY)) != 0;
}

/* So many digits as a number; false: there are others, or it is out of bounds. */
static bool read_digits(const char **text, size_t digits, int min, int max, int *number)
{
    *number = 0;
    for (size_t i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *number = *number * 10 + (**text - '0');
    }
    return *number >= min && *number <= max;
}

static bool read_sign(const char **text, const char *of)
{
    return **text != '\0' && strchr(of, *(*text)++) != NULL;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (leap && month == 2);
}

/* Date and time; fractions are skipped. */
static bool read_local_time(const char **text, const struct form *form, struct tm *tm)
{
    if (!read_digits(text, 4, 0, 9999, &tm->tm_year) || !read_sign(text, "-") ||
        !read_digits(text, 2, 1, 12, &tm->tm_mon) || !read_sign(text, "-") ||
        !read_digits(text, 2, 1, days_of(tm->tm_year, tm->tm_mon), &tm->tm_mday) ||
        !read_sign(text, form->before_time) || !read_digits(text, 2, 0, 23, &tm->tm_hour) ||
        !read_sign(text, ":") || !read_digits(text, 2, 0, 59, &tm->tm_min) ||
        !read_sign(text, ":") || !read_digits(text, 2, 0, form->last_second, &tm->tm_sec))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    if (**text != '.')
        return true;
    if (*++*text < '0' || **text > '9')
        return false;
    *text += strspn(*text, "0123456789");
    return true;
}

/* In seconds east of UTC. */
static bool read_offset(const char **text, const struct form *form, int *offset)
{
    const char sign = **text;
    int hours, minutes;

    *offset = 0;
    if (sign == '\0')
        return !form->needs_offset;
    if (read_sign(text, form->utc))
        return true;
    if ((sign != '+' && sign != '-') || !read_digits(text, 2, 0, form->offset_hours, &hours) ||
        !read_sign(text, ":") || !read_digits(text, 2, 0, 59, &minutes))
        return false;
    *offset = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

bool utc_read(const char *text, enum utc_form form, int64_t *seconds)
{
    struct tm tm = {.tm_sec = 0};
    int offset;

    if (!read_local_time(&text, &forms[form], &tm) || !read_offset(&text, &forms[form], &offset) ||
        *text != '\0' || !utc_seconds(&tm, seconds))
        return false;
    *seconds -= offset;
    return true;
}
