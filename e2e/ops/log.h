/*
 * The log: one line for each event on standard error, as key=value
 *
 *     time=2026-01-31T12:00:00Z severity=info event=flag identity=ue1@bsf.example.com ka-id=2026
 *
 * severity is err (something is out of order), warning (a limit, or what may be an attack) or info;
 * the events "refused" and "bootstrap" have it from their callers. Every value is filtered
 * (log_line.h). The keys "identity" and "device" name a subscriber: with LOG_HASH their values are
 * replaced by a hash that is keyed for this run of the process, which says that two lines are about
 * the same subscriber and not about whom. So are names within a "reason", where others' words are.
 * No key, token or secret is ever given to the log.
 *
 * Nobody waits for the reader of standard error: lines go to a buffer, and a thread of the log's
 * own writes them. A line that does not fit is left out, and counted in a later one as
 * "suppressed".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_H
#define LOG_H

#include "ops/log_line.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define LOG_ADDRESS_SIZE 64
#define LOG_LIMIT_MAX    5 /* lines a second of one kind that anybody can cause */

enum log_identities { LOG_FULL, LOG_HASH };

/* Before log_open(): what is less severe is left out; a file in the place of standard error, NULL:
 * none. */
void log_set_up(enum log_level level, const char *path);

/*
 * To be called once, before the first event; false: no thread, or no randomness for LOG_HASH. From
 * then on what libevent has to say is an event as well, and exit() waits a moment for lines that
 * are not written yet. False as well, with the reason on standard error, if the file of
 * log_set_up() cannot be opened. Where standard error is the journal, each line begins with its
 * priority (sd-daemon(3)).
 */
bool log_open(enum log_identities identities);

/* Open the file again, by its name: after another program has renamed it. */
void log_reopen(void);

/* Log that a log's file was opened again, or that it cannot be. */
void log_reopened(const char *file, bool is_done);

/* event, then keys and values alternately, then NULL. A pair whose value is NULL is left out. */
void log_event(const char *event, ...) __attribute__((sentinel));

/* A kind of event that others can cause as often as they like. Static, and all zeros at first. */
struct log_limit {
    int64_t second; /* of clock_ms() */
    unsigned int written, suppressed;
    struct log_limit *next;
    const char *event;
};

/* log_event(), but LOG_LIMIT_MAX times a second; a later line says how many were suppressed. */
void log_limited(struct log_limit *limit, const char *event, ...) __attribute__((sentinel));

/* log_limited() with result=refused, for a reason that has been filtered already: a sentence with a
 * file's name. */
void log_refused(struct log_limit *limit, const char *event, const char *filtered);

/* HOST:PORT in numbers, for the key "peer". Returns shown. */
const char *log_address(char shown[LOG_ADDRESS_SIZE], const struct sockaddr *address);

#endif
