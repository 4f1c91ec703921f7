/*
 * The page at `/`: HTML, CSS and SVG of one server's state, without scripts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OVERVIEW_H
#define OVERVIEW_H

#include "as/app_server_options.h"
#include "ops/heartbeat.h"

#include <stdbool.h>

/* What the page is about. */
struct overview {
    const struct app_server_roles *roles;
    const struct heartbeat *heartbeat;
    bool is_strict; /* --ready-strict */
};

/*
 * The whole page; refreshes: the browser asks again every few seconds. To be released with free();
 * NULL: out of memory. It has no secret, and names subscribers only as the log does.
 */
char *overview_html(const struct overview *overview, bool refreshes);

#endif
