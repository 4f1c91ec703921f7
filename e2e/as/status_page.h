/*
 * GET /metrics, /healthz, /readyz and a page for people, in plain HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include "as/overview.h"
#include "server/acceptor.h"

#define STATUS_PAGE_PORT_SIZE 32

/* What --metrics says, as HOST:PORT or :PORT, which is in port then. NULL: NULL. */
const char *status_page_address(const char *option, char port[STATUS_PAGE_PORT_SIZE]);

/*
 * Listen on --metrics' HOST:PORT, :PORT or PORT (the loopback), and print "metrics HOST:PORT" for
 * each address. While the server drains the page is there still, and says so. overview is kept,
 * not copied. False: the reason went to standard error.
 */
bool status_page_listen(struct endpoints *endpoints, struct overview *overview, const char *option);

#endif
