/*
 * The newest row of a device in a devices file: a B-TID and a Ks_NAF that were just bootstrapped
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEWEST_ROW_H
#define NEWEST_ROW_H

#include "devices_edit.h"

#include <stdint.h>

struct newest_row {
    const char *identity, *device;
    const unsigned char *ks_naf;
    int64_t not_after; /* seconds since 1970 UTC */
};

/*
 * Put it at the end of the file, with the device's Ka beside it, and take away the rows that it
 * replaces: those of the device with another Ks_NAF and the same Ka, or none. The device's other
 * Ka's stay. All or nothing. False: fault.
 */
bool newest_row_put(const char *path, const struct newest_row *row, unsigned int wait,
                    char fault[DEVICES_EDIT_FAULT_SIZE]);

#endif
