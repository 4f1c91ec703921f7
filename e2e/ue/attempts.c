/*
 * When a bootstrapping may begin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/attempts.h"

#include <openssl/rand.h>

#define TENTH 10

/* 0 to most: without randomness, most. */
static int64_t some_of(int64_t most)
{
    uint64_t number = 0;

    if (RAND_bytes((unsigned char *)&number, sizeof(number)) <= 0)
        return most;
    return (int64_t)(number % ((uint64_t)most + 1));
}

static int64_t pause_ms(const struct attempts *attempts)
{
    int64_t pause = attempts->interval_s;

    for (unsigned int i = 0; i < attempts->failures && pause < ATTEMPTS_PAUSE_MAX_S; i++)
        pause *= 2;
    if (pause > ATTEMPTS_PAUSE_MAX_S && attempts->interval_s < ATTEMPTS_PAUSE_MAX_S)
        pause = ATTEMPTS_PAUSE_MAX_S;
    return pause * 1000 + some_of(pause * 1000 / 2);
}

void attempts_begin(struct attempts *attempts, int64_t begun)
{
    attempts->next = begun + (int64_t)attempts->interval_s * 1000;
}

void attempts_failed(struct attempts *attempts, int64_t now)
{
    const int64_t next = now + pause_ms(attempts);

    attempts->failures++;
    if (next > attempts->next)
        attempts->next = next;
}

void attempts_spread(struct attempts *attempts, int64_t now)
{
    const int64_t half = (int64_t)attempts->interval_s * 500;
    const int64_t next = now + some_of(half < ATTEMPTS_SPREAD_MS ? half : ATTEMPTS_SPREAD_MS);

    if (next > attempts->next)
        attempts->next = next;
}

int64_t attempts_renewal(int64_t seconds)
{
    const int64_t tenth = seconds / TENTH;

    return seconds - tenth + some_of(tenth / 2);
}
