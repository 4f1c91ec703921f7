/*
 * The log: one line for each event on standard error, as key=value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log.h"

#include "net/clock.h"
#include "ops/log_buffer.h"
#include "ops/log_names.h"
#include "ops/log_private.h"
#include "ops/log_recent.h"
#include "options.h"
#include "printable.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HASH_SHOWN 8     /* octets of the hash */
#define PRIORITY   "<6>" /* as journald takes it, before a line */

#define PRIORITY_LENGTH (sizeof(PRIORITY) - 1)

/* Set by log_set_up() and log_open(), then only read. */
static struct {
    enum log_identities identities;
    enum log_level level;
    const char *path; /* NULL: standard error */
    bool is_journal;
    unsigned char secret[32];
    struct log_buffer *buffer; /* NULL: lines are written at once: nobody's loop runs yet */
} log_setup = {.level = LOG_LEVEL_INFO};

/* A line that is being written; what does not fit is cut. */
struct line {
    char priority[PRIORITY_LENGTH + LOG_LINE_MAX + 1]; /* and, behind it, the text and its LF */
    size_t length;
    enum log_level level;
    bool has_severity, is_audit;
};

static const struct {
    const char *name;
    enum log_level level;
} severities[] = {{"err", LOG_LEVEL_ERR}, {"warning", LOG_LEVEL_WARNING}, {"info", LOG_LEVEL_INFO}};

#define SEVERITIES (sizeof(severities) / sizeof(severities[0]))

bool log_level_named(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < SEVERITIES; i++)
        if (strcmp(severities[i].name, name) == 0) {
            *level = severities[i].level;
            return true;
        }
    return false;
}

static char *text_of(struct line *line)
{
    return line->priority + PRIORITY_LENGTH;
}

static void line_put(struct line *line, const char *text, size_t length)
{
    const size_t room = LOG_LINE_MAX - line->length;
    const size_t taken = length < room ? length : room;

    memcpy(text_of(line) + line->length, text, taken);
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

    if (log_setup.identities == LOG_HASH && !line->is_audit && names_a_subscriber(key))
        put_hash(line, value, strlen(value));
    else if (log_setup.identities == LOG_HASH && !line->is_audit && strcmp(key, "reason") == 0 &&
             quoted)
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
    if (strcmp(key, "severity") == 0)
        line->has_severity = log_level_named(value, &line->level);
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
static void begin_as(struct line *line, const char *event, const char *severity)
{
    line->length = 0;
    line->level = LOG_LEVEL_WARNING;
    line->has_severity = line->is_audit = false;
    put_time(line);
    if (severity != NULL)
        put_pair(line, "severity", severity);
    put_pair(line, "event", event);
}

static void begin(struct line *line, const char *event)
{
    begin_as(line, event, severity_of(event));
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

/* Where standard error is the journal, which asks for a line's priority at its beginning. A check
 * has its own lines. */
static void line_write(struct line *line)
{
    const char *text = log_setup.is_journal ? line->priority : text_of(line);
    const size_t length = line->length + (log_setup.is_journal ? PRIORITY_LENGTH : 0);

    memcpy(line->priority, PRIORITY, PRIORITY_LENGTH);
    line->priority[1] = (char)('0' + (int)line->level);
    if (log_setup.buffer != NULL)
        log_buffer_add(log_setup.buffer, text, length);
    else if (!options_are_to_be_checked())
        (void)!write(STDERR_FILENO, text, length);
}

static void put_end(struct line *line)
{
    text_of(line)[line->length++] = '\n';
}

static void line_end(struct line *line)
{
    if (!line->has_severity)
        put_pair(line, "severity", "warning");
    if (line->level > log_setup.level)
        return;
    put_end(line);
    log_recent_add(text_of(line), line->length);
    line_write(line);
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
    if (is_first && log_setup.buffer != NULL)
        log_buffer_remind(log_setup.buffer);
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

/* A pipe that nobody reads would hold up the program, by O_NONBLOCK it does not. */
int log_open_file(const char *option, const char *path)
{
    const int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
             S_IRUSR | S_IWUSR);
    const char *fault = fd < 0 ? strerror(errno) : NULL;
    struct stat status;

    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)))
        fault = "must be a regular file";
    if (fault == NULL)
        return fd;
    fprintf(stderr, "%s--%s %s: %s\n", options_where(option), option, PRINTABLE(path), fault);
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

bool log_open(enum log_identities identities)
{
    const int fd =
        log_setup.path == NULL ? STDERR_FILENO : log_open_file("log-file", log_setup.path);

    if (fd < 0)
        return false;
    log_setup.identities = identities;
    log_setup.is_journal = fd == STDERR_FILENO && is_journal();
    log_setup.buffer = log_buffer_open(fd, false, report_all);
    event_set_log_callback(log_libevent);
    return log_setup.buffer != NULL && RAND_bytes(log_setup.secret, sizeof(log_setup.secret)) > 0;
}

void log_reopen_file(struct log_buffer *buffer, const char *option, const char *path)
{
    const int fd = log_open_file(option, path);

    if (fd >= 0)
        log_buffer_use(buffer, fd);
    log_event("reopen", "severity", fd < 0 ? "err" : "info", "result", fd < 0 ? "failed" : "done",
              "file", path, "reason",
              fd < 0 ? "it cannot be opened: the old one is written on" : NULL, NULL);
}

void log_reopen(void)
{
    if (log_setup.path != NULL)
        log_reopen_file(log_setup.buffer, "log-file", log_setup.path);
}

size_t log_format(char text[LOG_LINE_MAX + 2], const char *event, va_list pairs)
{
    struct line line = {.is_audit = true};

    put_time(&line);
    put_pair(&line, "event", event);
    add_pairs(&line, pairs);
    put_end(&line);
    memcpy(text, text_of(&line), line.length);
    return line.length;
}

void log_refused(struct log_limit *limit, const char *event, const char *filtered)
{
    unsigned int suppressed;
    struct line line;

    if (!may_write(limit, event, &suppressed))
        return;
    begin_as(&line, event, "err");
    put_pair(&line, "result", "refused");
    put_key(&line, "reason");
    put_quoted(&line, filtered, true);
    if (suppressed > 0)
        put_suppressed(&line, suppressed);
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
