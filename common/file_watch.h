/*
 * Whether a file has changed since it was read: one that is written is left alone until it is done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FILE_WATCH_H
#define FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Begin with the path alone; it is kept, not copied. */
struct file_watch {
    const char *path;
    struct stat read, seen; /* of what was read, and of the last look; links are followed */
    unsigned int failures;  /* to take what was read, one after the other */
    int64_t again;          /* when it is read once more; ms of CLOCK_MONOTONIC */
};

/* The file is read now: to be called before it is opened, so that no change is missed. */
void file_watch_reading(struct file_watch *watch);

/*
 * How reading ended. What could not be taken counts as changed again, at once and then less and
 * less often: what failed may have passed. False: it failed as it did before.
 */
bool file_watch_done(struct file_watch *watch, bool taken);

/* Is it another one than was read? */
bool file_watch_differs(const struct file_watch *watch);

/*
 * The same, once two looks one after the other have found it alike: what is half written is not
 * read. It is true until it is read.
 */
bool file_watch_changed(struct file_watch *watch);

#endif
