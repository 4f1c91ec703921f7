/*
 * What is counted, and shown in Prometheus' text format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/metrics.h"

#include "net/clock.h"
#include "ops/expiry.h"
#include "ops/health.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdint.h>
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
    [METRIC_TIME_HANDSHAKE] = {"handshake_seconds", "How long TLS handshakes took."},
    [METRIC_TIME_FLAG] = {"flag_seconds", "How long a nonce waited for its flag."},
    [METRIC_TIME_SOURCE] = {"source_seconds", "How long the key source took to answer."},
    [METRIC_TIME_THIRD_PARTY] = {"third_party_seconds", "How long the third party took to answer."},
    [METRIC_TIME_KA] = {"ka_seconds", "How long a database or a token took to give a Ka."},
    [METRIC_TIME_STORE] = {"store_seconds", "How long the store took to answer."},
    [METRIC_TIME_APPLICATION] = {"application_seconds",
                                 "How long the application took to accept a connection."},
    [METRIC_TIME_LOOP] = {"loop_lag_seconds", "How late an event loop's timers are."},
};

static const double bounds[] = {0.001, 0.002, 0.003, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10};

static atomic_long counters[METRIC_COUNT];

static struct {
    atomic_ulong buckets[BUCKETS + 1]; /* the last: longer than every bound */
    atomic_uint_least64_t microseconds;
} observed[METRIC_TIME_COUNT];

void metrics_add(enum metric metric, long number)
{
    (void)atomic_fetch_add_explicit(&counters[metric], number, memory_order_relaxed);
}

void metrics_set(enum metric metric, long number)
{
    atomic_store_explicit(&counters[metric], number, memory_order_relaxed);
}

long metrics_get(enum metric metric)
{
    return atomic_load_explicit(&counters[metric], memory_order_relaxed);
}

const char *metrics_labels(enum metric metric)
{
    return rows[metric].labels;
}

void metrics_observe(enum metric_time time, double seconds)
{
    size_t bucket = 0;

    while (bucket < BUCKETS && seconds > bounds[bucket])
        bucket++;
    (void)atomic_fetch_add_explicit(&observed[time].buckets[bucket], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&observed[time].microseconds, (uint64_t)(seconds * 1e6),
                                    memory_order_relaxed);
}

void metrics_observe_since(enum metric_time time, int64_t moment)
{
    metrics_observe(time, (double)(clock_ms() - moment) / 1000);
}

static void print_head(FILE *out, const char *family, const char *type, const char *help)
{
    fprintf(out, "# HELP e2e_%s %s\n# TYPE e2e_%s %s\n", family, help, family, type);
}

static void print_counters(FILE *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const long value = metrics_get((enum metric)i);

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
    fprintf(out, "e2e_%s_bucket{le=\"+Inf\"} %lu\ne2e_%s_sum %.6f\ne2e_%s_count %lu\n", family,
            count, family,
            (double)atomic_load_explicit(&observed[time].microseconds, memory_order_relaxed) / 1e6,
            family, count);
}

/* A gauge that is always 1: what it says is in its labels. */
static void print_build(FILE *out)
{
    print_head(out, "build_info", "gauge", "The versions of e2e-as and of the libcrypto it uses.");
    fprintf(out, "e2e_build_info{version=\"%s\",openssl=\"%s\"} 1\n", AKMA_VERSION,
            OpenSSL_version(OPENSSL_VERSION_STRING));
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
    health_print(out);
    expiry_print(out);
    print_build(out);
    return fclose(out) == 0 ? text : NULL;
}
