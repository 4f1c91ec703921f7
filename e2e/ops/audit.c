/*
 * The audit log: a line for every key that is issued, used or revoked (--audit-log)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/audit.h"

#include "ops/log_private.h"

#include <stdio.h>

static const char *file;
static struct log_buffer *lines; /* NULL: there is no audit log */

/* A disk that is full, or slow, for so long that lines are lost: the log has to say it. */
static bool report_lost(unsigned long lost, bool is_last)
{
    char count[24];

    (void)is_last;
    (void)snprintf(count, sizeof(count), "%lu", lost);
    if (lost > 0)
        log_event("audit", "suppressed", count, "reason",
                  "lines of --audit-log are lost: its disk is full, or too slow", NULL);
    return false;
}

bool audit_open(const char *path)
{
    const int fd = path == NULL ? -1 : log_open_file("audit-log", path);

    if (fd >= 0)
        lines = log_buffer_open(fd, true, report_lost);
    file = path;
    return path == NULL || lines != NULL;
}

void audit(const char *event, ...)
{
    char text[LOG_LINE_MAX + 2];
    va_list pairs;

    if (lines == NULL)
        return;
    va_start(pairs, event);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    log_buffer_add(lines, text, log_format(text, event, pairs));
    va_end(pairs);
}

void audit_reopen(void)
{
    if (lines != NULL)
        log_reopen_file(lines, "audit-log", file);
}
