/*
 * Devices in memory, as the reader of a devices file fills them in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_ROWS_H
#define DEVICES_ROWS_H

#include "devices.h"

/* Keep a copy of a row, which is in that line of the file. False: out of memory. */
bool devices_keep(struct devices *devices, const struct row *row, size_t line);

/*
 * Sort the rows. Returns 0, or the line of a row that contradicts another one: all rows of an
 * identity must have the same Ks_NAF and different ka-ids, and a ka-id must name one Ka of a
 * device. fault says what is wrong.
 */
size_t devices_order(struct devices *devices, const char **fault);

#endif
