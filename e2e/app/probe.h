/*
 * Whether the application accepts connections: a connection every few seconds, without a word
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROBE_H
#define PROBE_H

#include "net/addrs.h"
#include "net/loop.h"

#include <stdbool.h>

#define PROBE_SECONDS 5 /* between two, and for each to succeed */

struct probe;

/*
 * On a loop that does not run yet; ops/health.h is told. addrs is kept, not copied. proxy_protocol:
 * it says LOCAL, which is nobody's connection. NULL: out of memory.
 */
struct probe *probe_new(struct loop *loop, const struct addrs *addrs, bool proxy_protocol);

/* The loop does not run any more. NULL is fine. */
void probe_free(struct probe *probe);

#endif
