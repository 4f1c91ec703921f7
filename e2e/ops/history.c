/*
 * What the counters and gauges showed during the last minutes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/history.h"

#include "net/clock.h"

#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    long values[HISTORY_COUNT][METRIC_COUNT]; /* a ring */
    size_t next, count;
    int64_t due; /* clock_ms() */
} history = {.lock = PTHREAD_MUTEX_INITIALIZER};

void history_take(void)
{
    const int64_t now = clock_ms();

    if (now < history.due)
        return;
    history.due = now + HISTORY_INTERVAL * 1000L;
    (void)pthread_mutex_lock(&history.lock);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        history.values[history.next][metric] = metrics_get(metric);
    history.next = (history.next + 1) % HISTORY_COUNT;
    if (history.count < HISTORY_COUNT)
        history.count++;
    (void)pthread_mutex_unlock(&history.lock);
}

size_t history_look(long values[HISTORY_COUNT][METRIC_COUNT])
{
    size_t count, first;

    (void)pthread_mutex_lock(&history.lock);
    count = history.count;
    first = (history.next + HISTORY_COUNT - count) % HISTORY_COUNT;
    for (size_t i = 0; i < count; i++)
        memcpy(values[i], history.values[(first + i) % HISTORY_COUNT], sizeof(values[i]));
    (void)pthread_mutex_unlock(&history.lock);
    return count;
}
