/*
 * The validity periods of certificates and revocation lists
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CERT_DATES_H
#define CERT_DATES_H

#include <stdbool.h>
#include <stdint.h>

/* If a file has several: a chain is valid while all of it is, trust while one of it is. */
enum cert_dates_of { CERT_DATES_OF_ALL, CERT_DATES_OF_ANY };

/* Seconds since 1970 UTC; ends is INT64_MAX for a list that says no end. */
struct cert_dates {
    int64_t begins, ends;
};

/* Of what is in a file of PEM. False: it cannot be read, or has neither of both. */
bool cert_dates_read(const char *path, enum cert_dates_of which, struct cert_dates *dates);

#endif
