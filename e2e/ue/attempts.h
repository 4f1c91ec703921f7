/*
 * When a bootstrapping may begin: rarely, and more rarely while it does not help
 *
 * At least an interval is between two attempts. The pause doubles with each attempt that failed,
 * and with each key that a NAF refused, up to an hour, and has a random part: devices that lost
 * their BSF at one moment do not come back to it at one moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEMPTS_H
#define ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#define ATTEMPTS_PAUSE_MAX_S 3600
#define ATTEMPTS_SPREAD_MS   5000 /* or half the interval, if that is less */

struct attempts {
    unsigned int interval_s;
    unsigned int failures; /* one after the other */
    int64_t next;          /* ms of CLOCK_MONOTONIC; 0: at any time */
};

/* One begins, or began, at this moment. */
void attempts_begin(struct attempts *attempts, int64_t begun);

/* It did not help; the pause from `now` on is a longer one. */
void attempts_failed(struct attempts *attempts, int64_t now);

/* One is wanted for what may happen to a whole fleet, at a NAF or by a power cut: soon. */
void attempts_spread(struct attempts *attempts, int64_t now);

/* When to renew a key that ends in so many seconds: a tenth of that before its end, or a little
 * later, so that a fleet does not come at one moment. */
int64_t attempts_renewal(int64_t seconds);

#endif
