/*
 * Dates in UTC as seconds since 1970, also after 2038 if time_t has 32 bits; reading date-times
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UTC_H
#define UTC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* As timegm(), for dates that exist. False: libcrypto's calendar does not have this one. */
bool utc_seconds(const struct tm *date, int64_t *seconds);

/* Both forms have fractions and offsets. */
enum utc_form {
    UTC_RFC_3339,  /* RFC 3339 5.6: always with Z or an offset; t and z may be small */
    UTC_XML_SCHEMA /* XML Schema's dateTime: without an offset it is UTC; no leap second */
};

/*
 * The seconds since 1970 UTC of a date-time such as 2026-11-30T12:00:00Z, fractions dropped. False:
 * the text is not one.
 */
bool utc_read(const char *text, enum utc_form form, int64_t *seconds);

/* As gmtime_r(), without the days of week and year. False: before 1900 or after 9999. */
bool utc_date(int64_t seconds, struct tm *date);

#endif
