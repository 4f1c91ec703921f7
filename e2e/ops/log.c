/*
 * The log: one line for each event on standard error, as key=value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log.h"

#include "net/clock.h"
#include "ops/log_buffer.h"
#include "ops/log_line.h"
#include "ops/log_recent.h"
#include "options.h"
#include "printable.h"

#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PRIORITY "<6>" /* as journald takes it, before a line */

#define PRIORITY_LENGTH (sizeof(PRIORITY) - 1)

/* Set by log_set_up() and log_open(), then only read. */
static struct {
    enum log_level level;
    const char *path; /* NULL: standard error */
    bool is_journal;
    struct log_buffer *buffer; /* NULL: lines are written at once: nobody's loop runs yet */
} log_setup = {.level = LOG_LEVEL_INFO};

/* How bad an event is, in syslog's words; what is not here is ordinary. A refusal and a
 * bootstrapping say it themselves. */
static const char *severity_of(const char *event)
{
    static const struct {
        const char *event, *severity;
    } events[] = {
        {"refused", NULL},        {"bootstrap", NULL},       {"reopen", NULL},
        {"store-down", "err"},    {"store", "err"},          {"source-failed", "err"},
        {"source", "err"},        {"line-down", "err"},      {"revocations-missed", "err"},
        {"accept", "err"},        {"listen", "err"},         {"libevent", "err"},
        {"line-late", "warning"}, {"line-error", "warning"}, {"source-paused", "warning"},
        {"limit", "warning"},     {"ka-down", "err"},        {"audit", "err"},
        {"broken", "warning"},
    };

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (strcmp(events[i].event, event) == 0)
            return events[i].severity;
    return "info";
}

/* severity NULL: its caller says it. */
static void begin_line_as(struct log_line *line, const char *event, const char *severity)
{
    log_line_begin(line, false);
    if (severity != NULL)
        log_line_add(line, "severity", severity);
    log_line_add(line, "event", event);
}

static void begin_line(struct log_line *line, const char *event)
{
    begin_line_as(line, event, severity_of(event));
}

static void add_suppressed(struct log_line *line, unsigned long count)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%lu", count);
    log_line_add(line, "suppressed", number);
}

/* A check has its own lines. */
static void write_octets(const char *octets, size_t length)
{
    if (log_setup.buffer != NULL)
        log_buffer_add(log_setup.buffer, octets, length);
    else if (!options_are_to_be_checked())
        (void)!write(STDERR_FILENO, octets, length);
}

/* The journal asks for a line's priority at its beginning. */
static void write_to_journal(const struct log_line *line)
{
    char octets[PRIORITY_LENGTH + sizeof(line->text)] = PRIORITY;

    octets[1] = (char)('0' + (int)line->level);
    memcpy(octets + PRIORITY_LENGTH, line->text, line->length);
    write_octets(octets, PRIORITY_LENGTH + line->length);
}

/* Unless it is less severe than what is wanted. */
static void write_line(struct log_line *line)
{
    if (!line->has_severity)
        log_line_add(line, "severity", "warning");
    if (line->level > log_setup.level)
        return;
    log_line_end(line);
    log_recent_add(line->text, line->length);
    if (log_setup.is_journal)
        write_to_journal(line);
    else
        write_octets(line->text, line->length);
}

void log_event(const char *event, ...)
{
    struct log_line line;
    va_list pairs;

    begin_line(&line, event);
    va_start(pairs, event);
    log_line_add_pairs(&line, pairs);
    va_end(pairs);
    write_line(&line);
}

/* Limits */

static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_limit
    *limits; /* with lines that were suppressed, and no later line has said so */

/* May a line be written? Then suppressed says how many were not. */
static bool may_write(struct log_limit *limit, const char *event, unsigned int *suppressed)
{
    const int64_t second = clock_ms() / 1000;
    bool may, is_first;

    (void)pthread_mutex_lock(&limits_lock);
    if (limit->second != second)
        limit->written = 0;
    limit->second = second;
    may = limit->written < LOG_LIMIT_MAX;
    is_first = !may && limit->event == NULL;
    *suppressed = may ? limit->suppressed : 0;
    limit->suppressed = may ? 0 : limit->suppressed + 1;
    limit->written += may;
    if (is_first) {
        limit->event = event;
        limit->next = limits;
        limits = limit;
    }
    (void)pthread_mutex_unlock(&limits_lock);
    if (is_first && log_setup.buffer != NULL)
        log_buffer_remind(log_setup.buffer);
    return may;
}

void log_limited(struct log_limit *limit, const char *event, ...)
{
    unsigned int suppressed;
    struct log_line line;
    va_list pairs;

    if (!may_write(limit, event, &suppressed))
        return;
    begin_line(&line, event);
    va_start(pairs, event);
    log_line_add_pairs(&line, pairs);
    va_end(pairs);
    if (suppressed > 0)
        add_suppressed(&line, suppressed);
    write_line(&line);
}

static void report_suppressed(const char *event, unsigned long count)
{
    struct log_line line;

    if (count == 0)
        return;
    begin_line(&line, event);
    add_suppressed(&line, count);
    write_line(&line);
}

/* Those of limits whose second is over, so that a flood's last lines are counted as well. */
static bool report_all(unsigned long lost, bool is_last)
{
    const int64_t second = clock_ms() / 1000;
    struct log_limit *limit, **place = &limits;
    bool again;

    report_suppressed("log", lost);
    (void)pthread_mutex_lock(&limits_lock);
    while ((limit = *place) != NULL) {
        if (!is_last && limit->second == second) {
            place = &limit->next;
            continue;
        }
        report_suppressed(limit->event, limit->suppressed);
        limit->suppressed = 0;
        limit->event = NULL;
        *place = limit->next;
    }
    again = limits != NULL;
    (void)pthread_mutex_unlock(&limits_lock);
    return again;
}

static void log_libevent(int severity, const char *message)
{
    static struct log_limit limit;

    (void)severity;
    log_limited(&limit, "libevent", "reason", message, NULL);
}

void log_set_up(enum log_level level, const char *path)
{
    log_setup.level = level;
    log_setup.path = path;
}

/* sd-daemon(3): its device and inode are in the environment. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char here[64];
    struct stat status;

    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
        return false;
    (void)snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    return strcmp(here, stream) == 0;
}

bool log_open(enum log_identities identities)
{
    log_setup.is_journal = log_setup.path == NULL && is_journal();
    log_setup.buffer = log_setup.path == NULL
                           ? log_buffer_open(STDERR_FILENO, report_all)
                           : log_buffer_open_file("log-file", log_setup.path, false, report_all);
    event_set_log_callback(log_libevent);
    return log_setup.buffer != NULL && (identities == LOG_FULL || log_line_hash_names());
}

void log_reopened(const char *file, bool is_done)
{
    log_event("reopen", "severity", is_done ? "info" : "err", "result", is_done ? "done" : "failed",
              "file", file, "reason",
              is_done ? NULL : "it cannot be opened: the old one is written on", NULL);
}

void log_reopen(void)
{
    if (log_setup.path != NULL)
        log_reopened(log_setup.path, log_buffer_reopen(log_setup.buffer));
}

void log_refused(struct log_limit *limit, const char *event, const char *filtered)
{
    unsigned int suppressed;
    struct log_line line;

    if (!may_write(limit, event, &suppressed))
        return;
    begin_line_as(&line, event, "err");
    log_line_add(&line, "result", "refused");
    log_line_add_filtered(&line, "reason", filtered);
    if (suppressed > 0)
        add_suppressed(&line, suppressed);
    write_line(&line);
}

const char *log_address(char shown[LOG_ADDRESS_SIZE], const struct sockaddr *address)
{
    const socklen_t size =
        address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    char host[48] = "", port[8] = "";

    if (getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        (void)snprintf(shown, LOG_ADDRESS_SIZE, "local");
    else
        (void)snprintf(shown, LOG_ADDRESS_SIZE, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s",
                       host, port);
    return shown;
}
