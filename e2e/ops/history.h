/*
 * What the counters and gauges showed during the last minutes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "ops/metrics.h"

#define HISTORY_INTERVAL 10 /* seconds between two looks */
#define HISTORY_COUNT    61 /* looks: ten minutes */

/* To be called often, on one thread: it looks when it is time. */
void history_take(void);

/* The oldest first. How many there are. */
size_t history_look(long values[HISTORY_COUNT][METRIC_COUNT]);

#endif
