/*
 * The log: one line for each event on standard error, as key=value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log.h"

#include "net/clock.h"
#include "ops/log_buffer.h"
#include "ops/log_names.h"
#include "ops/log_recent.h"
#include "printable.h"

#include <event2/event.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HASH_SHOWN 8 /* octets of the hash */

/* Set by log_open(), then only read. */
static struct {
    enum log_identities identities;
    unsigned char secret[32];
    bool has_writer; /* else lines are written at once: nobody's loop runs yet */
} log_setup;

/* A line that is being written; what does not fit is cut. */
struct line {
    char text[LOG_LINE_MAX + 1]; /* and its LF */
    size_t length;
};

static void line_put(struct line *line, const char *text, size_t length)
{
    const size_t room = LOG_LINE_MAX - line->length;
    const size_t taken = length < room ? length : room;

    memcpy(line->text + line->length, text, taken);
    line->length += taken;
}

static void put_text(struct line *line, const char *text)
{
    line_put(line, text, strlen(text));
}

static bool names_a_subscriber(const char *key)
{
    return strcmp(key, "identity") == 0 || strcmp(key, "device") == 0;
}

static void put_hash(struct line *line, const char *value, size_t length)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char shown[2 * HASH_SHOWN + 1] = "";

    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, log_setup.secret, sizeof(log_setup.secret),
                  (const unsigned char *)value, length, hash, sizeof(hash), NULL) == NULL)
        memset(hash, 0, sizeof(hash));
    for (size_t i = 0; i < HASH_SHOWN; i++)
        (void)snprintf(shown + 2 * i, 3, "%02x", hash[i]);
    put_text(line, shown);
}

static void put_quoted(struct line *line, const char *filtered, bool quoted)
{
    line_put(line, "\"", quoted);
    put_text(line, filtered);
    line_put(line, "\"", quoted);
}

/* A sentence that others may have written: each name in it as its hash. */
static void put_sentence(struct line *line, const char *text)
{
    struct printable room;
    size_t before, length;

    line_put(line, "\"", true);
    for (; log_names_next(text, &before, &length); text += before + length) {
        put_text(line, printable_octets(room.text, sizeof(room.text), text, before));
        put_hash(line, text + before, length);
    }
    put_text(line, PRINTABLE(text));
    line_put(line, "\"", true);
}

static void put_value(struct line *line, const char *key, const char *value)
{
    const bool quoted = value[0] == '\0' || strpbrk(value, " \"\\") != NULL;

    if (log_setup.identities == LOG_HASH && names_a_subscriber(key))
        put_hash(line, value, strlen(value));
    else if (log_setup.identities == LOG_HASH && strcmp(key, "reason") == 0 && quoted)
        put_sentence(line, value);
    else
        put_quoted(line, PRINTABLE(value), quoted);
}

static void put_key(struct line *line, const char *key)
{
    line_put(line, " ", line->length > 0);
    put_text(line, key);
    put_text(line, "=");
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    put_key(line, key);
    put_value(line, key, value);
}

static void put_time(struct line *line)
{
    const time_t now = time(NULL);
    char shown[32];
    struct tm utc;

    if (gmtime_r(&now, &utc) != NULL &&
        strftime(shown, sizeof(shown), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        put_pair(line, "time", shown);
}

/* How bad an event is, in syslog's words; what is not here is ordinary. A refusal and a
 * bootstrapping say it themselves. */
static const char *severity_of(const char *event)
{
    static const struct {
        const char *event, *severity;
    } severities[] = {
        {"refused", NULL},         {"bootstrap", NULL},           {"store-down", "err"},
        {"store", "err"},          {"source-failed", "err"},      {"source", "err"},
        {"line-down", "err"},      {"revocations-missed", "err"}, {"accept", "err"},
        {"listen", "err"},         {"libevent", "err"},           {"line-late", "warning"},
        {"line-error", "warning"}, {"source-paused", "warning"},  {"limit", "warning"},
        {"ka-down", "err"},        {"broken", "warning"},
    };

    for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++)
        if (strcmp(severities[i].event, event) == 0)
            return severities[i].severity;
    return "info";
}

static void begin(struct line *line, const char *event)
{
    const char *severity = severity_of(event);

    line->length = 0;
    put_time(line);
    if (severity != NULL)
        put_pair(line, "severity", severity);
    put_pair(line, "event", event);
}

static void add_pairs(struct line *line, va_list pairs)
{
    const char *key, *value;

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, by its caller */
    while ((key = va_arg(pairs, const char *)) != NULL) {
        value = va_arg(pairs, const char *);
        if (value != NULL)
            put_pair(line, key, value);
    }
}

static void put_suppressed(struct line *line, unsigned long count)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%lu", count);
    put_pair(line, "suppressed", number);
}

static void line_end(struct line *line)
{
    line->text[line->length++] = '\n';
    log_recent_add(line->text, line->length);
    if (log_setup.has_writer)
        log_buffer_add(line->text, line->length);
    else
        (void)!write(STDERR_FILENO, line->text, line->length);
}

void log_event(const char *event, ...)
{
    struct line line;
    va_list pairs;

    begin(&line, event);
    va_start(pairs, event);
    add_pairs(&line, pairs);
    va_end(pairs);
    line_end(&line);
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
    if (is_first && log_setup.has_writer)
        log_buffer_remind();
    return may;
}

void log_limited(struct log_limit *limit, const char *event, ...)
{
    unsigned int suppressed;
    struct line line;
    va_list pairs;

    if (!may_write(limit, event, &suppressed))
        return;
    begin(&line, event);
    va_start(pairs, event);
    add_pairs(&line, pairs);
    va_end(pairs);
    if (suppressed > 0)
        put_suppressed(&line, suppressed);
    line_end(&line);
}

static void report_suppressed(const char *event, unsigned long count)
{
    struct line line;

    if (count == 0)
        return;
    begin(&line, event);
    put_suppressed(&line, count);
    line_end(&line);
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

bool log_open(enum log_identities identities)
{
    log_setup.identities = identities;
    log_setup.has_writer = log_buffer_open(report_all);
    event_set_log_callback(log_libevent);
    return log_setup.has_writer && RAND_bytes(log_setup.secret, sizeof(log_setup.secret)) > 0;
}

void log_refused(const char *event, const char *filtered)
{
    struct line line;

    begin(&line, event);
    put_pair(&line, "result", "refused");
    put_key(&line, "reason");
    put_quoted(&line, filtered, true);
    line_end(&line);
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
