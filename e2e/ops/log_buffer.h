/*
 * The way of the log's lines to standard error, which nobody waits for
 *
 * Lines are kept in a buffer of fixed size, and a thread of its own writes them: a pipe or a socket
 * that nobody reads, or a terminal that was stopped, holds up that thread alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_BUFFER_H
#define LOG_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_BUFFER_SIZE ((size_t)256 * 1024) /* octets of lines that are not written yet */

/*
 * To add lines about what was left out: those that are due, or (is_last) all that there is to say.
 * lost: lines that did not fit since. True: there will be more to say in a second.
 */
typedef bool log_buffer_report(unsigned long lost, bool is_last);

/* Once. From now on exit() waits a moment for what is not written yet. False: no thread. */
bool log_buffer_open(log_buffer_report *report);

/* Add a whole line, on any thread; one that does not fit is counted as lost. */
void log_buffer_add(const char *line, size_t length);

/* There is something to report in a second. */
void log_buffer_remind(void);

#endif
