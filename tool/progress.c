/*
 * A progress bar on standard error, if that is a terminal; nothing otherwise
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PAUSE 100 /* milliseconds between two drawings */
#define WIDTH 40U /* of the bar */

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, uint64_t size)
{
    *progress =
        (struct progress){.shown = isatty(STDERR_FILENO) == 1, .size = size, .next = now() + PAUSE};
}

void progress_show(struct progress *progress, uint64_t octets, uint64_t rows)
{
    static const char full[] = "########################################";

    if (!progress->shown || now() < progress->next)
        return;
    progress->next = now() + PAUSE;
    if (progress->size == 0) {
        fprintf(stderr, "\r%" PRIu64 " devices", rows);
        return;
    }
    if (octets > progress->size)
        octets = progress->size;
    fprintf(stderr, "\r[%-*.*s] %3" PRIu64 "%% %" PRIu64 " devices", (int)WIDTH,
            (int)(octets * WIDTH / progress->size), full, octets * 100 / progress->size, rows);
}

void progress_clear(const struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r\033[K");
}
