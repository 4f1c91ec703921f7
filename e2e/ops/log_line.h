/*
 * A line of a log: a time, and key=value pairs
 *
 * Every value is taken for foreign: what is not printable is filtered, what has blanks or quotes is
 * put in quotes. What does not fit is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 2048 /* octets of a line; values that do not fit are cut */

/* Syslog's numbers of what severity= says. */
enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/* "err", "warning" or "info"; false: none of them. */
bool log_level_named(const char *name, enum log_level *level);

struct log_line {
    char text[LOG_LINE_MAX + 1]; /* and, behind it, its LF */
    size_t length;
    bool is_in_full; /* names of subscribers are not hashed */
    bool has_severity;
    enum log_level level; /* what severity= says */
};

/*
 * From now on names of subscribers are hashed: the keys "identity" and "device", and names within a
 * "reason". The hash is keyed for this run of the process. False: there is no randomness.
 */
bool log_line_hash_names(void);

/* The time. */
void log_line_begin(struct log_line *line, bool is_in_full);

void log_line_add(struct log_line *line, const char *key, const char *value);

/* Keys and values alternately, then NULL. A pair whose value is NULL is left out. */
void log_line_add_pairs(struct log_line *line, va_list pairs);

/* A value that has been filtered already, as a sentence in which nothing is hashed. */
void log_line_add_filtered(struct log_line *line, const char *key, const char *filtered);

/* The LF, once. */
void log_line_end(struct log_line *line);

#endif
