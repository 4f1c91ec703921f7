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

    if (watched->devices != NULL && !file_watch_differs(&watched->file))
        return WATCHED_SAME;
    file_watch_reading(&watched->file);
    devices = devices_read(watched->file.path, &watched->rules, fault);
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
