/*
 * Dates in UTC as seconds since 1970, also after 2038 where time_t has 32 bits
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UTC_H
#define UTC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* As timegm(). A date that does not exist is another one, such as 30 February one in March. */
int64_t utc_seconds(const struct tm *date);

/* As gmtime_r(), without the days of week and year. False: before 1900 or after 9999. */
bool utc_date(int64_t seconds, struct tm *date);

#endif
