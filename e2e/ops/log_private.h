/*
 * What the audit log shares with the log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_PRIVATE_H
#define LOG_PRIVATE_H

#include "ops/log.h"
#include "ops/log_buffer.h"

#include <stdarg.h>

/* A file to append to, of mode 0600 if it is new; -1: the reason went to standard error. */
int log_open_file(const char *option, const char *path);

/* Open it again for a buffer, and log what came of it. */
void log_reopen_file(struct log_buffer *buffer, const char *option, const char *path);

/* A line with its line feed, identities in full. Its length. */
size_t log_format(char text[LOG_LINE_MAX + 2], const char *event, va_list pairs);

#endif
