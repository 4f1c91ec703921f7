/*
 * A progress bar on standard error, if that is a terminal; nothing otherwise
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;    /* on a terminal */
    uint64_t size; /* octets of the input; 0: not known */
    int64_t next;  /* when to draw again, in milliseconds */
};

/* size: octets of the input, 0 if that is not known. */
void progress_start(struct progress *progress, uint64_t size);

/* So many octets of the input and rows are done. */
void progress_show(struct progress *progress, uint64_t octets, uint64_t rows);

/* Take the bar away, at the end or before a message. */
void progress_clear(const struct progress *progress);

#endif
