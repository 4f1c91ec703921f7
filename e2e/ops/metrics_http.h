/*
 * GET /metrics and GET /healthz
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include <event2/event.h>

struct metrics_http;

/*
 * address: HOST:PORT; without HOST the loopback. Prints "metrics HOST:PORT". NULL: the reason went
 * to standard error.
 */
struct metrics_http *metrics_http_new(struct event_base *base, const char *address);

/* From now on /healthz says 503. NULL is fine. */
void metrics_http_set_draining(struct metrics_http *metrics);

/* NULL is fine. */
void metrics_http_free(struct metrics_http *metrics);

#endif
