/*
 * The last lines of the log, for the page of a running server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_recent.h"

#include <pthread.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    char lines[LOG_RECENT_COUNT][LOG_LINE_MAX + 1]; /* a ring */
    size_t next, count;
} recent = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_recent_add(const char *line, size_t length)
{
    const size_t shown = length > LOG_LINE_MAX ? LOG_LINE_MAX : length - 1;

    (void)pthread_mutex_lock(&recent.lock);
    memcpy(recent.lines[recent.next], line, shown);
    recent.lines[recent.next][shown] = '\0';
    recent.next = (recent.next + 1) % LOG_RECENT_COUNT;
    if (recent.count < LOG_RECENT_COUNT)
        recent.count++;
    (void)pthread_mutex_unlock(&recent.lock);
}

size_t log_recent_look(char lines[LOG_RECENT_COUNT][LOG_LINE_MAX + 1])
{
    size_t count;

    (void)pthread_mutex_lock(&recent.lock);
    count = recent.count;
    for (size_t i = 0; i < count; i++)
        memcpy(lines[i], recent.lines[(recent.next + LOG_RECENT_COUNT - 1 - i) % LOG_RECENT_COUNT],
               LOG_LINE_MAX + 1);
    (void)pthread_mutex_unlock(&recent.lock);
    return count;
}
