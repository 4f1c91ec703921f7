/*
 * The way of lines to a file, which nobody waits for
 *
 * Lines are kept in a buffer of fixed size, and a thread of its own writes them: a pipe or a socket
 * that nobody reads, a terminal that was stopped, or a slow disk holds up that thread alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_BUFFER_H
#define LOG_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_BUFFER_SIZE ((size_t)256 * 1024) /* octets of lines that are not written yet */

/*
 * To add lines about what was left out: those whose time has come, or (is_last) all that there is
 * to say. lost: lines that did not fit since. True: there will be more to say in a second.
 */
typedef bool log_buffer_report(unsigned long lost, bool is_last);

struct log_buffer;

/*
 * To this descriptor. From now on exit() waits a moment for what is not written yet. NULL: no
 * memory, or no thread.
 */
struct log_buffer *log_buffer_open(int fd, log_buffer_report *report);

/*
 * To this option's file, which is appended to, and is of mode 0600 if it is new. Both texts are
 * kept, not copied. is_synced: what is written is brought to the disk, and what cannot be written
 * is tried again, while reports go to another log. NULL: as above, or the file cannot be opened,
 * and the reason went to standard error.
 */
struct log_buffer *log_buffer_open_file(const char *option, const char *path, bool is_synced,
                                        log_buffer_report *report);

/*
 * Open the file again, by its name, and go on with it: no line is split or lost, and one that the
 * old file had no room for is written to the new one, whole. False: the reason went to standard
 * error, and the old one is written on.
 */
bool log_buffer_reopen(struct log_buffer *buffer);

/* Add a whole line, on any thread; one that does not fit is counted as lost. */
void log_buffer_add(struct log_buffer *buffer, const char *line, size_t length);

/* Wait a moment for what is not written yet, as exit() does: before _exit(). */
void log_buffer_flush_all(void);

/* There is something to report in a second. */
void log_buffer_remind(struct log_buffer *buffer);

#endif
