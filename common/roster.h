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

/* What a role's file must have, and must not have. */
struct roster_rules {
    bool needs_ks_naf, may_have_ks_naf, may_have_ka, insecure;
};

#define ROSTER_FAULT_SIZE 500 /* of a sentence that names the file, filtered */

/* NULL: fault says why. path is kept, not copied. */
struct roster *roster_open(const char *path, const struct roster_rules *rules,
                           char fault[ROSTER_FAULT_SIZE]);

/* The devices in force, on any thread; they stay as they are until released. */
const struct devices *roster_acquire(struct roster *roster);
void roster_release(struct roster *roster, const struct devices *devices);

/*
 * A row is not in force any more, or has another key. is_last: there is none left of its identity
 * and Ks_NAF.
 */
typedef void roster_removed(void *argument, const struct device *row, bool is_last);

/* Is a row of a version that was acquired in force still? */
bool roster_has_still(struct roster *roster, const struct devices *devices,
                      const struct device *row);

/*
 * Read the file again, all or nothing: false, with a fault, leaves the old one in force. removed()
 * is called for each row that is gone.
 */
bool roster_reload(struct roster *roster, roster_removed *removed, void *argument,
                   char fault[ROSTER_FAULT_SIZE]);

/* NULL is fine. Everything acquired must have been released. */
void roster_free(struct roster *roster);

#endif
