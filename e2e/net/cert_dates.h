/*
 * From when to when certificates and lists of revoked ones are good
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CERT_DATES_H
#define CERT_DATES_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 UTC. */
struct cert_dates {
    int64_t begins; /* the latest */
    int64_t ends;   /* the earliest; INT64_MAX: a list that says no end */
};

/* Of everything in a file of PEM. False: it cannot be read, or has neither of both. */
bool cert_dates_read(const char *path, struct cert_dates *dates);

#endif
