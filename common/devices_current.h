/*
 * The current devices file, which a reload replaces while others read it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_CURRENT_H
#define DEVICES_CURRENT_H

#include "devices.h"

#include <stdbool.h>

struct devices_current;

/* What a role's file must have, and must not have. */
struct devices_current_rules {
    bool needs_ks_naf, may_have_ks_naf, may_have_ka, insecure;
};

#define DEVICES_CURRENT_FAULT_SIZE 500 /* of a sentence that names the file, filtered */

/* NULL: fault says why. path is kept, not copied. */
struct devices_current *devices_current_open(const char *path,
                                             const struct devices_current_rules *rules,
                                             char fault[DEVICES_CURRENT_FAULT_SIZE]);

/* The current devices, on any thread; they stay as they are until released. */
const struct devices *devices_current_acquire(struct devices_current *current);
void devices_current_release(struct devices_current *current, const struct devices *devices);

/* What a reload has taken away. */
enum devices_loss {
    DEVICES_LOST_DEVICE,  /* no row names the device any more */
    DEVICES_LOST_KA,      /* the device exists, but does not have this Ka */
    DEVICES_LOST_IDENTITY /* the identity is gone, or has another Ks_NAF or device */
};

/* Called for each loss, with a row of the old file. */
typedef void devices_current_removed(void *argument, const struct device *row,
                                     enum devices_loss loss);

/*
 * row is of a version that was acquired. Does its device still have its Ka? And if that version had
 * the identity: does the identity still have its Ks_NAF?
 */
bool devices_current_has_still(struct devices_current *current, const struct devices *devices,
                               const struct device *row, const char *identity);

/* Read the file again. NULL: fault says why not. Then put it into use, or devices_free() it. */
struct devices *devices_current_read(const struct devices_current *current,
                                     char fault[DEVICES_CURRENT_FAULT_SIZE]);

/*
 * Put it into use, and call removed() for each loss. False: out of memory; the old one stays in use
 * and fresh was released.
 */
bool devices_current_use(struct devices_current *current, struct devices *fresh,
                         devices_current_removed *removed, void *argument);

/* NULL is fine. Everything acquired must have been released. */
void devices_current_free(struct devices_current *current);

#endif
