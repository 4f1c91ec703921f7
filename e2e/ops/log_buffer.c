/*
 * The way of lines to a file, which nobody waits for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_buffer.h"

#include "options.h"
#include "printable.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART        4096  /* octets written at once at most: whole lines */
#define REPORT_SIZE 16384 /* octets that must be free for a report: some tens of short lines */
#define LAST_MS     500   /* that exit() waits for a reader who takes nothing */
#define PAUSE_MS    5L    /* between two writes: many lines are written at once, and wake up once */

struct log_buffer {
    const char *option, *path; /* of the file; NULL: there is none */
    int fd;                    /* the writer's */
    atomic_int next_fd;        /* to continue with; -1: none */
    bool is_synced;
    bool is_cut;  /* the last line in the file has no end */
    bool is_full; /* its disk: a report of what was lost would be lost, too */
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

/* Whole lines: each is shorter than a part. */
static size_t copy_out(struct log_buffer *buffer, char part[PART])
{
    size_t length = buffer->length < PART ? buffer->length : PART;
    const size_t end =
        LOG_BUFFER_SIZE - buffer->first < length ? LOG_BUFFER_SIZE - buffer->first : length;
    const char *last;

    memcpy(part, buffer->octets + buffer->first, end);
    memcpy(part + end, buffer->octets, length - end);
    last = memrchr(part, '\n', length);
    if (last != NULL)
        length = (size_t)(last - part) + 1;
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

static bool is_same_file(int one, int other)
{
    struct stat first, second;

    return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Continue with a reopened file; false: there is none. */
static bool switch_file(struct log_buffer *buffer)
{
    const int fd = atomic_exchange(&buffer->next_fd, -1);

    if (fd < 0)
        return false;
    buffer->is_cut = buffer->is_cut && is_same_file(buffer->fd, fd);
    if (buffer->fd > STDERR_FILENO)
        (void)close(buffer->fd);
    buffer->fd = fd;
    return true;
}

/* What was left out, as lines of their own. */
static void report(struct log_buffer *buffer, bool is_last)
{
    unsigned long lost;
    bool reports, again;

    (void)pthread_mutex_lock(&buffer->lock);
    reports = buffer->has_to_report && !buffer->is_full &&
              (buffer->is_synced || LOG_BUFFER_SIZE - buffer->length >= REPORT_SIZE);
    lost = buffer->lost;
    if (reports) {
        buffer->lost = 0;
        buffer->has_to_report = false;
    }
    (void)pthread_mutex_unlock(&buffer->lock);
    again = reports && buffer->report(lost, is_last);
    if (again)
        log_buffer_remind(buffer);
}

/* Lines that a full disk did not take. */
static void lose(struct log_buffer *buffer, const char *octets, size_t length)
{
    (void)pthread_mutex_lock(&buffer->lock);
    for (size_t i = 0; i < length; i++)
        buffer->lost += octets[i] == '\n';
    buffer->has_to_report = true;
    buffer->is_full = true;
    (void)pthread_mutex_unlock(&buffer->lock);
}

static void wait_until_writable(const struct log_buffer *buffer)
{
    struct pollfd writable = {.fd = buffer->fd, .events = POLLOUT};

    (void)poll(&writable, 1, -1);
}

/* A full disk may get room; meanwhile the other log says what is lost. */
static void wait_for_room(struct log_buffer *buffer)
{
    static const struct timespec second = {.tv_sec = 1};

    report(buffer, false);
    (void)nanosleep(&second, NULL);
}

/* The beginning of the line that a place in a part is in. */
static const char *line_of(const char *part, const char *place)
{
    const char *before = memrchr(part, '\n', (size_t)(place - part));

    return before == NULL ? part : before + 1;
}

/*
 * A part that cannot be written is written again to another file, after a wait, or is lost: where
 * to continue, or NULL.
 */
static const char *write_failed(struct log_buffer *buffer, const char *part, const char *place,
                                const char *end)
{
    const char *line = line_of(part, place);
    const int error = errno;

    if (error == EINTR)
        return place;
    if (error == EAGAIN && atomic_load(&buffer->next_fd) < 0) {
        wait_until_writable(buffer);
        return place;
    }
    buffer->is_cut = buffer->is_cut || line != place;
    if (switch_file(buffer))
        return line;
    if (buffer->is_synced) {
        wait_for_room(buffer);
        return line;
    }
    if (error == ENOSPC || error == EDQUOT) /* else nobody will ever read it */
        lose(buffer, place, (size_t)(end - place));
    return NULL;
}

/* Only this thread waits. The program's starter may have made the descriptor non-blocking. */
static void write_part(struct log_buffer *buffer, const char *part, size_t length)
{
    const char *place = part, *end = part + length;

    while (place != NULL && place < end) {
        ssize_t written;

        errno = 0;
        written = buffer->is_cut ? write(buffer->fd, "\n", 1)
                                 : write(buffer->fd, place, (size_t)(end - place));

        if (written > 0)
            buffer->is_full = false;
        if (written <= 0)
            place = write_failed(buffer, part, place, end);
        else if (buffer->is_cut)
            buffer->is_cut = false;
        else
            place += written;
    }
    if (buffer->is_synced && length > 0)
        (void)fdatasync(buffer->fd);
}

static void *write_lines(void *argument)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    struct log_buffer *buffer = argument;
    char part[PART];

    for (;;) {
        const size_t length = take_part(buffer, part);

        if (length > 0)
            (void)switch_file(buffer);
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

static struct log_buffer *open_descriptor(int fd, const char *option, const char *path,
                                          bool is_synced, log_buffer_report *report_lost)
{
    struct log_buffer *buffer = calloc(1, sizeof(*buffer));
    pthread_condattr_t monotonic;

    if (buffer == NULL)
        return NULL;
    if (buffers == NULL && atexit(log_buffer_flush_all) != 0) {
        free(buffer);
        return NULL;
    }
    buffer->option = option;
    buffer->path = path;
    buffer->fd = fd;
    buffer->is_synced = is_synced;
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

struct log_buffer *log_buffer_open(int fd, log_buffer_report *report_lost)
{
    return open_descriptor(fd, NULL, NULL, false, report_lost);
}

/* A pipe that nobody reads would hold up the program, by O_NONBLOCK it does not. */
static int open_file(const char *option, const char *path)
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

struct log_buffer *log_buffer_open_file(const char *option, const char *path, bool is_synced,
                                        log_buffer_report *report_lost)
{
    const int fd = open_file(option, path);

    return fd < 0 ? NULL : open_descriptor(fd, option, path, is_synced, report_lost);
}

bool log_buffer_reopen(struct log_buffer *buffer)
{
    const int fd = open_file(buffer->option, buffer->path);
    int unused;

    if (fd < 0)
        return false;
    unused = atomic_exchange(&buffer->next_fd, fd);
    if (unused >= 0)
        (void)close(unused);
    return true;
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
