/*
 * A devices file that is read again when it has changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "watched_devices.h"

enum watched_result watched_devices_look(struct watched_devices *watched,
                                         char fault[DEVICES_FAULT_SIZE])
{
    struct devices *devices;
    bool is_news;

    if (watched->devices != NULL && !file_watch_differs(&watched->file))
        return WATCHED_SAME;
    file_watch_reading(&watched->file);
    devices = devices_read(watched->file.path, &watched->rules, fault);
    is_news = file_watch_done(&watched->file, devices != NULL);
    if (devices == NULL)
        return is_news ? WATCHED_BAD : WATCHED_SAME;
    watched_devices_forget(watched);
    watched->before = watched->devices;
    watched->devices = devices;
    return WATCHED_READ;
}

void watched_devices_forget(struct watched_devices *watched)
{
    devices_free(watched->before);
    watched->before = NULL;
}

void watched_devices_close(struct watched_devices *watched)
{
    watched_devices_forget(watched);
    devices_free(watched->devices);
    watched->devices = NULL;
}
