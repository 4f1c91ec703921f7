/*
 * What is counted, and shown in Prometheus' text format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS (sizeof(bounds) / sizeof(bounds[0]))

static const struct {
    const char *family, *labels, *type, *help;
} rows[] = {
#define METRIC_ROW(name, family, labels, type, help) {family, labels, #type, help},
    METRICS(METRIC_ROW)
#undef METRIC_ROW
};

static const struct {
    const char *family, *help;
} times[METRIC_TIME_COUNT] = {
    [METRIC_TIME_SOURCE] = {"source_seconds", "How long the key source took to answer."},
    [METRIC_TIME_THIRD_PARTY] = {"third_party_seconds", "How long the third party took to answer."},
};

static const double bounds[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10};

static atomic_long counters[METRIC_COUNT];

static struct {
    atomic_ulong buckets[BUCKETS + 1]; /* the last: longer than every bound */
    atomic_ulong microseconds;
} observed[METRIC_TIME_COUNT];

void metrics_add(enum metric metric, long number)
{
    (void)atomic_fetch_add_explicit(&counters[metric], number, memory_order_relaxed);
}

void metrics_observe(enum metric_time time, double seconds)
{
    size_t bucket = 0;

    while (bucket < BUCKETS && seconds > bounds[bucket])
        bucket++;
    (void)atomic_fetch_add_explicit(&observed[time].buckets[bucket], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&observed[time].microseconds, (unsigned long)(seconds * 1e6),
                                    memory_order_relaxed);
}

static void print_head(FILE *out, const char *family, const char *type, const char *help)
{
    fprintf(out, "# HELP e2e_%s %s\n# TYPE e2e_%s %s\n", family, help, family, type);
}

static void print_counters(FILE *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const long value = atomic_load_explicit(&counters[i], memory_order_relaxed);

        if (i == 0 || strcmp(rows[i].family, rows[i - 1].family) != 0)
            print_head(out, rows[i].family, rows[i].type, rows[i].help);
        if (rows[i].labels[0] == '\0')
            fprintf(out, "e2e_%s %ld\n", rows[i].family, value);
        else
            fprintf(out, "e2e_%s{%s} %ld\n", rows[i].family, rows[i].labels, value);
    }
}

static void print_time(FILE *out, enum metric_time time)
{
    const char *family = times[time].family;
    unsigned long count = 0;

    print_head(out, family, "histogram", times[time].help);
    for (size_t i = 0; i <= BUCKETS; i++) {
        count += atomic_load_explicit(&observed[time].buckets[i], memory_order_relaxed);
        if (i < BUCKETS)
            fprintf(out, "e2e_%s_bucket{le=\"%g\"} %lu\n", family, bounds[i], count);
    }
    fprintf(out, "e2e_%s_bucket{le=\"+Inf\"} %lu\ne2e_%s_sum %g\ne2e_%s_count %lu\n", family, count,
            family,
            (double)atomic_load_explicit(&observed[time].microseconds, memory_order_relaxed) / 1e6,
            family, count);
}

char *metrics_text(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    print_counters(out);
    for (size_t i = 0; i < METRIC_TIME_COUNT; i++)
        print_time(out, (enum metric_time)i);
    return fclose(out) == 0 ? text : NULL;
}
