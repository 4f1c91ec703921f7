/*
 * The way of lines to a file, which nobody waits for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_buffer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PART        4096  /* octets written at once */
#define REPORT_SIZE 16384 /* octets that must be free for a report: some tens of short lines */
#define LAST_MS     500   /* that exit() waits for a reader who takes nothing */
#define PAUSE_MS    5L    /* between two writes: many lines are written at once, and wake up once */

struct log_buffer {
    int fd;             /* the writer's */
    atomic_int next_fd; /* to continue with after a whole line; -1: none */
    bool is_synced, is_at_end;
    pthread_mutex_t lock;
    pthread_cond_t changed, written;
    char octets[LOG_BUFFER_SIZE]; /* a ring */
    size_t first, length;
    unsigned long lost;
    unsigned long parts; /* that were written so far: whether it continues */
    bool is_writing, has_to_report;
    log_buffer_report *report;
    struct log_buffer *next;
};

static struct log_buffer *buffers; /* exit() waits for each */

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
static void copy_in(struct log_buffer *buffer, const char *octets, size_t length)
{
    const size_t place = (buffer->first + buffer->length) % LOG_BUFFER_SIZE;
    const size_t end = LOG_BUFFER_SIZE - place < length ? LOG_BUFFER_SIZE - place : length;

    memcpy(buffer->octets + place, octets, end);
    memcpy(buffer->octets, octets + end, length - end);
    buffer->length += length;
}

static size_t copy_out(struct log_buffer *buffer, char part[PART])
{
    const size_t length = buffer->length < PART ? buffer->length : PART;
    const size_t end =
        LOG_BUFFER_SIZE - buffer->first < length ? LOG_BUFFER_SIZE - buffer->first : length;

    memcpy(part, buffer->octets + buffer->first, end);
    memcpy(part + end, buffer->octets, length - end);
    buffer->first = (buffer->first + length) % LOG_BUFFER_SIZE;
    buffer->length -= length;
    return length;
}

/* What is next, once there is something; nothing: a second is over, and it is time to report. */
static size_t take_part(struct log_buffer *buffer, char part[PART])
{
    const struct timespec second = in_milliseconds(1000);
    size_t length;
    int error = 0;

    (void)pthread_mutex_lock(&buffer->lock);
    while (buffer->length == 0 && error == 0)
        error = buffer->has_to_report
                    ? pthread_cond_timedwait(&buffer->changed, &buffer->lock, &second)
                    : pthread_cond_wait(&buffer->changed, &buffer->lock);
    length = copy_out(buffer, part);
    buffer->is_writing = length > 0;
    (void)pthread_mutex_unlock(&buffer->lock);
    return length;
}

/* A reopened file is continued at a whole line. */
static void switch_file(struct log_buffer *buffer)
{
    const int fd = buffer->is_at_end ? atomic_exchange(&buffer->next_fd, -1) : -1;

    if (fd < 0)
        return;
    if (buffer->fd > STDERR_FILENO)
        (void)close(buffer->fd);
    buffer->fd = fd;
}

/* Whether it is worth trying again what could not be written. */
static bool wait_for_file(const struct log_buffer *buffer, ssize_t written)
{
    struct pollfd writable = {.fd = buffer->fd, .events = POLLOUT};
    static const struct timespec second = {.tv_sec = 1};

    if (written < 0 && errno == EAGAIN)
        (void)poll(&writable, 1, -1);
    else if (written < 0 && errno != EINTR && buffer->is_synced)
        (void)nanosleep(&second, NULL); /* a full disk may get room */
    else
        return written < 0 && errno == EINTR; /* else nobody will ever read it */
    return true;
}

/* Only this thread waits. The program's starter may have made the descriptor non-blocking. */
static void write_octets(struct log_buffer *buffer, const char *octets, size_t length)
{
    if (length > 0)
        buffer->is_at_end = octets[length - 1] == '\n';
    while (length > 0) {
        const ssize_t written = write(buffer->fd, octets, length);

        if (written > 0) {
            octets += written;
            length -= (size_t)written;
        } else if (!wait_for_file(buffer, written)) {
            return;
        }
    }
}

/* To the end of a line that is begun, where another file waits for the next one. */
static size_t end_of_line(const struct log_buffer *buffer, const char *part, size_t length)
{
    const char *end = memchr(part, '\n', length);

    return buffer->is_at_end || end == NULL || atomic_load(&buffer->next_fd) < 0
               ? 0
               : (size_t)(end - part) + 1;
}

static void write_part(struct log_buffer *buffer, const char *part, size_t length)
{
    const size_t before = end_of_line(buffer, part, length);

    write_octets(buffer, part, before);
    if (length > 0)
        switch_file(buffer);
    write_octets(buffer, part + before, length - before);
    if (buffer->is_synced && length > 0)
        (void)fdatasync(buffer->fd);
}

/* What was left out, as lines of their own. */
static void report(struct log_buffer *buffer, bool is_last)
{
    unsigned long lost;
    bool is_due, again;

    (void)pthread_mutex_lock(&buffer->lock);
    is_due = buffer->has_to_report && LOG_BUFFER_SIZE - buffer->length >= REPORT_SIZE;
    lost = buffer->lost;
    if (is_due) {
        buffer->lost = 0;
        buffer->has_to_report = false;
    }
    (void)pthread_mutex_unlock(&buffer->lock);
    again = is_due && buffer->report(lost, is_last);
    if (again)
        log_buffer_remind(buffer);
}

static void *write_lines(void *argument)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    struct log_buffer *buffer = argument;
    char part[PART];

    for (;;) {
        const size_t length = take_part(buffer, part);

        write_part(buffer, part, length);
        (void)pthread_mutex_lock(&buffer->lock);
        buffer->is_writing = false;
        buffer->parts++;
        (void)pthread_cond_broadcast(&buffer->written);
        (void)pthread_mutex_unlock(&buffer->lock);
        report(buffer, false);
        if (length < PART)
            (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void flush_one(struct log_buffer *buffer)
{
    unsigned long parts;
    int error = 0;

    report(buffer, true);
    (void)pthread_mutex_lock(&buffer->lock);
    while (error == 0 && (buffer->length > 0 || buffer->is_writing)) {
        const struct timespec end = in_milliseconds(LAST_MS);

        parts = buffer->parts;
        while (error == 0 && buffer->parts == parts && (buffer->length > 0 || buffer->is_writing))
            error = pthread_cond_timedwait(&buffer->written, &buffer->lock, &end);
    }
    (void)pthread_mutex_unlock(&buffer->lock);
}

void log_buffer_flush_all(void)
{
    for (struct log_buffer *each = buffers; each != NULL; each = each->next)
        flush_one(each);
}

static bool start_writer(struct log_buffer *buffer)
{
    sigset_t all, before;
    pthread_t thread;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, NULL, write_lines, buffer) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        (void)pthread_detach(thread);
    return started;
}

struct log_buffer *log_buffer_open(int fd, bool is_synced, log_buffer_report *report_lost)
{
    struct log_buffer *buffer = calloc(1, sizeof(*buffer));
    pthread_condattr_t monotonic;

    if (buffer == NULL)
        return NULL;
    if (buffers == NULL && atexit(log_buffer_flush_all) != 0) {
        free(buffer);
        return NULL;
    }
    buffer->fd = fd;
    buffer->is_synced = is_synced;
    buffer->is_at_end = true;
    atomic_init(&buffer->next_fd, -1);
    buffer->report = report_lost;
    (void)pthread_mutex_init(&buffer->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&buffer->changed, &monotonic);
    (void)pthread_cond_init(&buffer->written, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    buffer->next = buffers;
    buffers = buffer;
    return start_writer(buffer) ? buffer : NULL;
}

void log_buffer_use(struct log_buffer *buffer, int fd)
{
    const int unused = atomic_exchange(&buffer->next_fd, fd);

    if (unused >= 0)
        (void)close(unused);
}

void log_buffer_add(struct log_buffer *buffer, const char *line, size_t length)
{
    bool was_empty;

    (void)pthread_mutex_lock(&buffer->lock);
    was_empty = buffer->length == 0;
    if (length <= LOG_BUFFER_SIZE - buffer->length) {
        copy_in(buffer, line, length);
    } else {
        buffer->lost++;
        buffer->has_to_report = true;
    }
    (void)pthread_mutex_unlock(&buffer->lock);
    if (was_empty) /* else the writer is busy, and looks again; under the lock it would wait for it
                    */
        (void)pthread_cond_signal(&buffer->changed);
}

void log_buffer_remind(struct log_buffer *buffer)
{
    (void)pthread_mutex_lock(&buffer->lock);
    if (!buffer->has_to_report)
        (void)pthread_cond_signal(&buffer->changed);
    buffer->has_to_report = true;
    (void)pthread_mutex_unlock(&buffer->lock);
}
