/*
 * The last lines of the log, for the page of a running server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_RECENT_H
#define LOG_RECENT_H

#include "ops/log.h"

#define LOG_RECENT_COUNT 20

/* A whole line with its LF, as it is written. On any thread. */
void log_recent_add(const char *line, size_t length);

/* The newest first, without LF, each with its NUL. How many there are. */
size_t log_recent_look(char lines[LOG_RECENT_COUNT][LOG_LINE_MAX + 1]);

#endif
