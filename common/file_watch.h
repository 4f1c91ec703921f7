/*
 * Whether a file has changed since it was read, and whether writing it is finished
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FILE_WATCH_H
#define FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Set only the path, which is kept, not copied; the rest is zero at first. */
struct file_watch {
    const char *path;
    struct stat read, seen; /* when it was read, and at the last look; links are followed */
    unsigned int failures;  /* to accept what was read, in a row */
    int64_t again;          /* when to read it again after a failure; ms of CLOCK_MONOTONIC */
};

/* Call this before the file is opened to be read, so that no change is missed. */
void file_watch_reading(struct file_watch *watch);

/*
 * Say how reading ended. A file that was not accepted counts as changed, at once and then less and
 * less often, because the cause may have passed. False: it failed as it did before.
 */
bool file_watch_done(struct file_watch *watch, bool taken);

/* Has it changed since it was read? */
bool file_watch_differs(const struct file_watch *watch);

/*
 * The same, but only after two looks in a row have found the file unchanged, so that a file is not
 * read while it is being written. It stays true until the file is read.
 */
bool file_watch_changed(struct file_watch *watch);

#endif
