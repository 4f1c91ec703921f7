/*
 * GET /metrics, /healthz and /readyz, in plain HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include "ops/heartbeat.h"
#include "server/acceptor.h"

struct status_page {
    const struct heartbeat *heartbeat;
    bool is_strict; /* --ready-strict */
};

/*
 * Listen on --metrics' HOST:PORT, :PORT or PORT (the loopback), and print "metrics HOST:PORT" for
 * each address. While the server drains the page is there still, and says so. page is kept,
 * not copied. False: the reason went to standard error.
 */
bool status_page_listen(struct endpoints *endpoints, struct status_page *page, const char *address);

#endif
