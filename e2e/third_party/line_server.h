/*
 * The third party's side of the line: requests of NAFs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_SERVER_H
#define LINE_SERVER_H

#include "server/connection.h"

#define LINES_MAX_OF_NAF 64 /* at a time of one name, so that a NAF does not hold up the others */

/* Kind of connection.h: of a NAF. */
extern const struct connection_kind line_kind;

#endif
