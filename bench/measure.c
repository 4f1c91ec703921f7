/*
 * Timing: the subjects take turns, and what is compared was measured in the same turn
 *
 * Other programs' share of the machine changes from one moment to the next. So nobody is measured
 * first and somebody else later, and the clock is the thread's own processor time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure.h"

#include <stdlib.h>
#include <time.h>

#define BATCH_NS 100000.0 /* a batch takes about this long: far above the cost of the clock */
#define WARM_UP  8        /* calls before the clock starts */

static double read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double wall_clock(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double thread_clock(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void call(struct instance *instance, size_t times)
{
    for (size_t i = 0; i < times; i++)
        instance->variant->call(instance);
}

static double time_calls(struct instance *instance, size_t times)
{
    double start;

    call(instance, WARM_UP);
    start = thread_clock();
    call(instance, times);
    return (thread_clock() - start) / (double)times;
}

void measure(struct instance *instances, size_t count, double *times, size_t rounds)
{
    size_t *batch = calloc(count, sizeof(*batch));

    if (batch == NULL)
        fail("out of memory");
    for (size_t i = 0; i < count; i++)
        batch[i] = 1 + (size_t)(BATCH_NS / time_calls(&instances[i], WARM_UP));
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            times[i * rounds + round] = time_calls(&instances[i], batch[i]);
    free(batch);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct quartiles quartiles(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return (struct quartiles){values[count / 4], values[count / 2], values[count * 3 / 4]};
}

struct quartiles ratio_quartiles(const double *a, const double *b, size_t count)
{
    double *ratios = calloc(count, sizeof(*ratios));
    struct quartiles result;

    if (ratios == NULL)
        fail("out of memory");
    for (size_t i = 0; i < count; i++)
        ratios[i] = a[i] / b[i];
    result = quartiles(ratios, count);
    free(ratios);
    return result;
}

void json_quartiles(FILE *json, const char *name, struct quartiles q)
{
    fprintf(json, "\"%s\": [%.4g, %.4g, %.4g]", name, q.lower, q.median, q.upper);
}
