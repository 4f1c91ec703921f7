/*
 * Whether this process can serve, and what it depends on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef READINESS_H
#define READINESS_H

#include "ops/heartbeat.h"

#include <stdbool.h>
#include <stdio.h>

#define READINESS_STUCK_MS 10000 /* without a beat of a loop */

/*
 * Lines for GET /readyz, the first "ready" or "not ready", then one for each reason. What this
 * process itself cannot do makes it not ready: it starts or drains, a loop does not turn, a
 * certificate or revocation list has expired. What is shared (store, link, application, source,
 * token server) is said, and counts with is_strict alone: its outage must not take every replica
 * out of service. True: ready. The caller releases *text with free(); NULL: out of memory.
 */
bool readiness_text(const struct heartbeat *heartbeat, bool is_strict, char **text);

#endif
