/*
 * What went wrong, in a sentence without a secret; untrusted text in it has to be filtered before
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GBA_FAULT_H
#define GBA_FAULT_H

#include <stdbool.h>

#define GBA_FAULT_SIZE 500

/* Always false, for the caller to return. */
bool gba_fail(char fault[GBA_FAULT_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
