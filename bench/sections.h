/*
 * The sections of the benchmark; each writes one member of the JSON object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_SECTIONS_H
#define BENCH_SECTIONS_H

#include <stdio.h>

/* Every variant against OpenSSL's own, and the limits. */
void compare_variants(FILE *json, size_t rounds);

/* Threads against processes that do the same. */
void compare_threads(FILE *json, size_t rounds);

/* How the cost grows with the inputs and the output. */
void measure_growth(FILE *json, size_t rounds);

/* What a context that is kept takes, up to so many of them. */
void measure_contexts(FILE *json, size_t count_max);

#endif
