/*
 * The way of the log's lines to standard error, which nobody waits for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_buffer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PART        4096  /* octets written at once */
#define REPORT_SIZE 16384 /* octets that must be free for a report: some tens of short lines */
#define LAST_MS     500   /* that exit() waits for a reader who takes nothing */
#define PAUSE_MS    5L    /* between two writes: many lines are written at once, and wake up once */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed, written;
    char octets[LOG_BUFFER_SIZE]; /* a ring */
    size_t first, length;
    unsigned long lost;
    unsigned long parts; /* that were written so far: whether it goes on */
    bool is_writing, has_to_report;
    log_buffer_report *report;
} buffer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct timespec in_milliseconds(long milliseconds)
{
    struct timespec moment;

    (void)clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += milliseconds / 1000;
    moment.tv_nsec += milliseconds % 1000 * 1000000;
    if (moment.tv_nsec >= 1000000000) {
        moment.tv_nsec -= 1000000000;
        moment.tv_sec++;
    }
    return moment;
}

/* To or from the ring, from a place on; under the lock. */
static void copy_in(const char *octets, size_t length)
{
    const size_t place = (buffer.first + buffer.length) % LOG_BUFFER_SIZE;
    const size_t end = LOG_BUFFER_SIZE - place < length ? LOG_BUFFER_SIZE - place : length;

    memcpy(buffer.octets + place, octets, end);
    memcpy(buffer.octets, octets + end, length - end);
    buffer.length += length;
}

static size_t copy_out(char part[PART])
{
    const size_t length = buffer.length < PART ? buffer.length : PART;
    const size_t end =
        LOG_BUFFER_SIZE - buffer.first < length ? LOG_BUFFER_SIZE - buffer.first : length;

    memcpy(part, buffer.octets + buffer.first, end);
    memcpy(part + end, buffer.octets, length - end);
    buffer.first = (buffer.first + length) % LOG_BUFFER_SIZE;
    buffer.length -= length;
    return length;
}

/* What is next, once there is something; nothing: a second is over, and it is time to report. */
static size_t take_part(char part[PART])
{
    const struct timespec second = in_milliseconds(1000);
    size_t length;
    int error = 0;

    (void)pthread_mutex_lock(&buffer.lock);
    while (buffer.length == 0 && error == 0)
        error = buffer.has_to_report
                    ? pthread_cond_timedwait(&buffer.changed, &buffer.lock, &second)
                    : pthread_cond_wait(&buffer.changed, &buffer.lock);
    length = copy_out(part);
    buffer.is_writing = length > 0;
    (void)pthread_mutex_unlock(&buffer.lock);
    return length;
}

/* Here alone somebody waits. Whoever started the program may have made the descriptor non-blocking.
 */
static void write_part(const char *part, size_t length)
{
    struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};

    while (length > 0) {
        const ssize_t written = write(STDERR_FILENO, part, length);

        if (written > 0) {
            part += written;
            length -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            (void)poll(&writable, 1, -1);
        } else if (written == 0 || errno != EINTR) {
            return; /* nobody will ever read it */
        }
    }
}

/* What was left out, as lines of their own. */
static void report(bool is_last)
{
    unsigned long lost;
    bool is_due, again;

    (void)pthread_mutex_lock(&buffer.lock);
    is_due = buffer.has_to_report && LOG_BUFFER_SIZE - buffer.length >= REPORT_SIZE;
    lost = buffer.lost;
    if (is_due) {
        buffer.lost = 0;
        buffer.has_to_report = false;
    }
    (void)pthread_mutex_unlock(&buffer.lock);
    again = is_due && buffer.report(lost, is_last);
    if (again)
        log_buffer_remind();
}

static void *write_lines(void *argument)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    char part[PART];

    (void)argument;
    for (;;) {
        const size_t length = take_part(part);

        write_part(part, length);
        (void)pthread_mutex_lock(&buffer.lock);
        buffer.is_writing = false;
        buffer.parts++;
        (void)pthread_cond_broadcast(&buffer.written);
        (void)pthread_mutex_unlock(&buffer.lock);
        report(false);
        if (length < PART)
            (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void flush(void)
{
    unsigned long parts;
    int error = 0;

    report(true);
    (void)pthread_mutex_lock(&buffer.lock);
    while (error == 0 && (buffer.length > 0 || buffer.is_writing)) {
        const struct timespec end = in_milliseconds(LAST_MS);

        parts = buffer.parts;
        while (error == 0 && buffer.parts == parts && (buffer.length > 0 || buffer.is_writing))
            error = pthread_cond_timedwait(&buffer.written, &buffer.lock, &end);
    }
    (void)pthread_mutex_unlock(&buffer.lock);
}

static bool start_writer(void)
{
    sigset_t all, before;
    pthread_t thread;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, NULL, write_lines, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        (void)pthread_detach(thread);
    return started;
}

bool log_buffer_open(log_buffer_report *report_lost)
{
    pthread_condattr_t monotonic;

    buffer.report = report_lost;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&buffer.changed, &monotonic);
    (void)pthread_cond_init(&buffer.written, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return start_writer() && atexit(flush) == 0;
}

void log_buffer_add(const char *line, size_t length)
{
    bool was_empty;

    (void)pthread_mutex_lock(&buffer.lock);
    was_empty = buffer.length == 0;
    if (length <= LOG_BUFFER_SIZE - buffer.length) {
        copy_in(line, length);
    } else {
        buffer.lost++;
        buffer.has_to_report = true;
    }
    (void)pthread_mutex_unlock(&buffer.lock);
    if (was_empty) /* else the writer is busy, and looks again; under the lock it would wait for it
                    */
        (void)pthread_cond_signal(&buffer.changed);
}

void log_buffer_remind(void)
{
    (void)pthread_mutex_lock(&buffer.lock);
    if (!buffer.has_to_report)
        (void)pthread_cond_signal(&buffer.changed);
    buffer.has_to_report = true;
    (void)pthread_mutex_unlock(&buffer.lock);
}
