/*
 * Whether a file has changed since it was read, and whether writing it is finished
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "file_watch.h"

#include <string.h>
#include <time.h>

#define PAUSE_MS     100 /* before a file that was refused twice is read again; it doubles */
#define PAUSE_MAX_MS 60000

/* All zero: there is no file. */
static struct stat stat_of(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        memset(&status, 0, sizeof(status));
    return status;
}

/* A file that is renamed into place is another inode; one written over has another time. */
static bool same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mode == other->st_mode &&
           one->st_uid == other->st_uid && one->st_gid == other->st_gid &&
           one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

static int64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_to_be_tried_again(const struct file_watch *watch)
{
    return watch->failures > 0 && clock_ms() >= watch->again;
}

void file_watch_reading(struct file_watch *watch)
{
    const struct stat now = stat_of(watch->path);

    if (!same(&now, &watch->read))
        watch->failures = 0;
    watch->read = watch->seen = now;
}

bool file_watch_done(struct file_watch *watch, bool taken)
{
    int64_t pause = PAUSE_MS;

    if (taken) {
        watch->failures = 0;
        return true;
    }
    for (unsigned int i = 1; i < watch->failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    watch->again = clock_ms() + (watch->failures == 0 ? 0 : pause);
    return watch->failures++ == 0;
}

bool file_watch_differs(const struct file_watch *watch)
{
    const struct stat now = stat_of(watch->path);

    return !same(&now, &watch->read) || is_to_be_tried_again(watch);
}

bool file_watch_changed(struct file_watch *watch)
{
    const struct stat now = stat_of(watch->path);
    const bool is_done =
        same(&now, &watch->seen) && (!same(&now, &watch->read) || is_to_be_tried_again(watch));

    watch->seen = now;
    return is_done;
}
