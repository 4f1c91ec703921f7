/*
 * Changing a devices file: locked against a second writer, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_EDIT_H
#define DEVICES_EDIT_H

#include "devices.h"
#include "secret_buf.h"

#include <sys/stat.h>

#define DEVICES_EDIT_FAULT_SIZE   400
#define DEVICES_EDIT_WAIT_DEFAULT "10" /* seconds for another writer; up to an hour is possible */
#define DEVICES_EDIT_WAIT_MAX     3600

struct devices_edit {
    const char *path;
    int fd; /* holds the lock */
    struct stat status;
    struct secret_buf text;
    struct row_layout layout;
    struct devices *devices; /* the same, understood */
};

/*
 * Lock a devices file and read it; a writer that holds the lock is waited for, 10 seconds at most.
 * Any column is taken, and none but identity has to be filled. False: fault; call
 * devices_edit_close() anyway.
 */
bool devices_edit_open(struct devices_edit *edit, const char *path, unsigned int wait,
                       char fault[DEVICES_EDIT_FAULT_SIZE]);

/*
 * Put a new text in the file's place, with its mode and its owner. False: fault, for one if the
 * text is no devices file; the old file is as it was.
 */
bool devices_edit_replace(struct devices_edit *edit, const struct secret_buf *text,
                          char fault[DEVICES_EDIT_FAULT_SIZE]);

/* Unlock, cleanse and release. */
void devices_edit_close(struct devices_edit *edit);

/* Understand a text as a devices file with any column, and DEVICES_KA or 0 needed; NULL: fault. */
struct devices *devices_edit_parse(const struct secret_buf *text, unsigned int needs,
                                   char fault[DEVICES_EDIT_FAULT_SIZE]);

#endif
