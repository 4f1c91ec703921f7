/*
 * The devices file in force, which a reload replaces while others read it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROSTER_H
#define ROSTER_H

#include "devices.h"

#include <stdbool.h>

struct roster;

/* NULL: the reason went to standard error. path is kept, not copied. */
struct roster *roster_open(const char *path, bool insecure);

/* The devices in force, on any thread; they stay as they are until released. */
const struct devices *roster_acquire(struct roster *roster);
void roster_release(struct roster *roster, const struct devices *devices);

/* A row that the new file does not have any more, or has with another key. */
typedef void roster_removed(void *argument, const struct device *row);

/*
 * Read the file again, all or nothing: false, with the reason on standard error, leaves the old one
 * in force. removed() is called for each row that is gone.
 */
bool roster_reload(struct roster *roster, roster_removed *removed, void *argument);

/* NULL is fine. Everything acquired must have been released. */
void roster_free(struct roster *roster);

#endif
