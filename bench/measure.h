/*
 * Timing: the subjects take turns, and what is compared was measured in the same turn
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "instance.h"

#include <stdio.h>

struct quartiles {
    double lower, median, upper;
};

/* Sorts the values. */
struct quartiles quartiles(double *values, size_t count);

/* Of a[i] / b[i]. */
struct quartiles ratio_quartiles(const double *a, const double *b, size_t count);

/* Nanoseconds of a steady clock, and of processor time that this thread took. */
double wall_clock(void);
double thread_clock(void);

/* times[i * rounds + r]: nanoseconds of processor time that one call of instance i took in round r.
 */
void measure(struct instance *instances, size_t count, double *times, size_t rounds);

/* "name": [lower, median, upper] */
void json_quartiles(FILE *json, const char *name, struct quartiles quartiles);

#endif
