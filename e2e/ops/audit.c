/*
 * The audit log: a line for every key that is issued, used or revoked (--audit-log)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/audit.h"

#include "ops/log.h"
#include "ops/log_buffer.h"

#include <stdarg.h>
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
    if (path != NULL)
        lines = log_buffer_open_file("audit-log", path, true, report_lost);
    file = path;
    return path == NULL || lines != NULL;
}

void audit(const char *event, ...)
{
    struct log_line line;
    va_list pairs;

    if (lines == NULL)
        return;
    log_line_begin(&line, true);
    log_line_add(&line, "event", event);
    va_start(pairs, event);
    log_line_add_pairs(&line, pairs);
    va_end(pairs);
    log_line_end(&line);
    log_buffer_add(lines, line.text, line.length);
}

void audit_reopen(void)
{
    if (lines != NULL)
        log_reopened(file, log_buffer_reopen(lines));
}
