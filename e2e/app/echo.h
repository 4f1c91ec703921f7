/*
 * The echo: lines come back behind a prefix, until the UE closes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ECHO_H
#define ECHO_H

#include "app/app.h"
#include "net/tls_lines.h"

struct echo;

/*
 * Start on a connection; lines may hold what was read before, and is taken over. prefix is kept,
 * not copied. line_timeout: seconds within which a line that has begun is complete, and is written.
 * NULL: out of memory.
 */
struct echo *echo_start(struct app_connection *conn, struct tls_lines *lines, const char *prefix,
                        unsigned int line_timeout);

void echo_stop(struct echo *echo);

#endif
