/*
 * Whether a file has changed since it was read: one that is written is left alone until it is done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "file_watch.h"

#include <string.h>

/* All zero: there is no file. */
static struct stat look(const char *path)
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

void file_watch_reading(struct file_watch *watch)
{
    watch->read = watch->seen = look(watch->path);
}

bool file_watch_differs(const struct file_watch *watch)
{
    const struct stat now = look(watch->path);

    return !same(&now, &watch->read);
}

bool file_watch_changed(struct file_watch *watch)
{
    const struct stat now = look(watch->path);
    const bool is_done = same(&now, &watch->seen) && !same(&now, &watch->read);

    watch->seen = now;
    if (is_done)
        watch->read = now;
    return is_done;
}
