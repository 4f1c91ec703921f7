/*
 * Inputs of device/ in memory of exactly their length, and an HMAC that reads what it is given
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GIVEN_H
#define GIVEN_H

#include "akma_device.c"
#include "proof.h"

#include <stdlib.h>

/* Any octets of this length: one more would be behind the end of the memory. */
static struct akma_octets any_octets(size_t length)
{
    struct akma_octets value = {malloc(length), length};

    return value;
}

static size_t started, ended;

static void begin(void *ctx, const uint8_t *key, size_t n)
{
    CLAIM(ctx == &started && started == ended && n == 32 && __CPROVER_r_ok(key, n));
    started++;
}

static void add_octets(void *ctx, const uint8_t *octets, size_t n)
{
    CLAIM(ctx == &started && started == ended + 1 && n > 0 && __CPROVER_r_ok(octets, n));
}

static bool is_failing;

static void end(void *ctx, uint8_t out[AKMA_HMAC_SIZE])
{
    CLAIM(ctx == &started && started == ended + 1 && __CPROVER_w_ok(out, AKMA_HMAC_SIZE));
    ended++;
    is_failing = is_failing || nondet_bool();
    for (size_t i = 0; i < AKMA_HMAC_SIZE; i++)
        out[i] = is_failing ? 0 : (uint8_t)(nondet_octet() | 1);
}

static const struct akma_hmac any_hmac = {begin, add_octets, end, &started};

/* A key of this length, and what stood in one of its octets. */
struct output {
    uint8_t *key, before;
    size_t length, at;
};

static struct output any_output(size_t length)
{
    struct output output = {.key = malloc(length), .length = length, .at = nondet_size()};

    started = ended = 0;
    is_failing = false;
    GIVEN(length == 0 || output.at < length);
    output.before = length > 0 ? output.key[output.at] : 0;
    return output;
}

/* A refusal calls no HMAC and writes nothing; an HMAC that failed leaves nothing. */
static void claim_all_or_nothing(const struct output *output, int reason)
{
    CLAIM(started == ended && (reason == 0 || reason == AKMA_HMAC_FAILED) == (started > 0));
    CLAIM((reason == AKMA_HMAC_FAILED) == is_failing);
    if (output->length > 0 && reason == AKMA_HMAC_FAILED)
        CLAIM(output->key[output->at] == 0 || output->key[output->at] == output->before);
    else if (output->length > 0 && reason != 0)
        CLAIM(output->key[output->at] == output->before);
}

#endif
