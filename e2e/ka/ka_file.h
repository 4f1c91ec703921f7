/*
 * Ka's in a devices file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_FILE_H
#define KA_FILE_H

#include "ka/ka_source.h"

struct devices_current;

/* devices: kept; the caller that reloads it says what was removed. NULL: out of memory. */
struct ka_source *ka_file_new(struct devices_current *devices);

#endif
