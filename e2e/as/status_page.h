/*
 * GET /metrics and GET /healthz, in plain HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include "server/acceptor.h"

/*
 * Listen on --metrics' HOST:PORT, :PORT or PORT (the loopback), and print "metrics HOST:PORT" for
 * each address. While the server drains the page is there still, and says so. False: the reason
 * went to standard error.
 */
bool status_page_listen(struct endpoints *endpoints, const char *address);

#endif
