/*
 * The application behind the endpoint: each e2e connection is relayed to one of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "app/app.h"
#include "net/addrs.h"

#include <stdbool.h>

#define FORWARD_SECONDS 5 /* the application has to accept within */

/*
 * addrs is kept, not copied. proxy_protocol: a header of version 2 goes first, with the device as
 * PP2_TYPE_SSL's common name. NULL: out of memory.
 */
struct app *app_forward_new(const struct addrs *addrs, bool proxy_protocol);

#endif
