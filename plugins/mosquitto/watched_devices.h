/*
 * A devices file that is read again when it has changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WATCHED_DEVICES_H
#define WATCHED_DEVICES_H

#include "devices.h"
#include "file_watch.h"

struct watched_devices {
    struct file_watch file;
    struct devices_rules rules;
    struct devices *devices; /* NULL until it was read for the first time */
    struct devices *before;  /* the rows before those; NULL: none */
};

enum watched_result {
    WATCHED_SAME, /* as it was */
    WATCHED_READ, /* the new rows are in use */
    WATCHED_BAD   /* it is faulty; the rows from before stay in use, if there are any */
};

/*
 * Check the file, and read it if it has changed or was faulty. WATCHED_BAD is returned once per
 * change, with a fault.
 */
enum watched_result watched_devices_look(struct watched_devices *watched,
                                         char fault[DEVICES_FAULT_SIZE]);

/* The rows from before are no longer needed. */
void watched_devices_forget(struct watched_devices *watched);

/* Cleanse and release. */
void watched_devices_close(struct watched_devices *watched);

#endif
