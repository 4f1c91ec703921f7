/*
 * Devices in memory, as the reader of a devices file fills them in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_ROWS_H
#define DEVICES_ROWS_H

#include "devices.h"

/* Keep a copy of a row, of that line of the file. False: out of memory. */
bool devices_keep(struct devices *devices, const struct row *row, size_t line);

/*
 * Sort the rows. 0, or the line of a row that contradicts another one: rows of an identity share
 * its Ks_NAF and have no ka-id twice, and a ka-id names one Ka of a device. fault says which.
 */
size_t devices_order(struct devices *devices, const char **fault);

#endif
