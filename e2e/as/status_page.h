/*
 * GET /metrics, /healthz, /readyz and a page for people, in plain HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include "as/overview.h"
#include "server/acceptor.h"

/*
 * Listen on --metrics' HOST:PORT, :PORT or PORT (the loopback), and print "metrics HOST:PORT" for
 * each address. While the server drains the page is there still, and says so. overview is kept,
 * not copied. False: the reason went to standard error.
 */
bool status_page_listen(struct endpoints *endpoints, struct overview *overview,
                        const char *address);

#endif
