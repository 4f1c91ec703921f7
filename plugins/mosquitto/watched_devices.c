/*
 * A devices file that is read again when it has changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "watched_devices.h"

#include <string.h>

/* A file that is renamed into place is another inode; one written over has another time. */
static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mode == other->st_mode &&
           one->st_uid == other->st_uid && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

enum watched_result watched_devices_look(struct watched_devices *watched,
                                         char fault[DEVICES_FAULT_SIZE])
{
    struct devices *devices;
    struct stat now;

    /* Its status comes first: what is written while it is read is another change. */
    if (lstat(watched->path, &now) != 0)
        memset(&now, 0, sizeof(now));
    if (watched->devices != NULL && same_file(&now, &watched->seen))
        return WATCHED_SAME;
    watched->seen = now;
    devices = devices_read(watched->path, &watched->rules, fault);
    if (devices == NULL)
        return WATCHED_BAD;
    devices_free(watched->devices);
    watched->devices = devices;
    return WATCHED_READ;
}

void watched_devices_close(struct watched_devices *watched)
{
    devices_free(watched->devices);
    watched->devices = NULL;
}
