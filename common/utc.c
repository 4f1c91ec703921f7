/*
 * Dates in UTC as seconds since 1970, by libcrypto's calendar
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "utc.h"

#include <openssl/crypto.h>

#define DAY 86400

static const struct tm epoch = {.tm_year = 70, .tm_mday = 1};

int64_t utc_seconds(const struct tm *date)
{
    int days = 0, seconds = 0;

    (void)OPENSSL_gmtime_diff(&days, &seconds, &epoch, date);
    return (int64_t)days * DAY + seconds;
}

bool utc_date(int64_t seconds, struct tm *date)
{
    const int64_t days = seconds / DAY;

    *date = epoch;
    return days > -100000 && days < 10000000 &&
           OPENSSL_gmtime_adj(date, (int)days, (long)(seconds % DAY)) != 0;
}
