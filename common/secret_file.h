/*
 * Files that hold secrets: read whole, and only where nobody but their owner can
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include "private_file.h"

/*
 * Read a regular file of at most max octets. One that others than its owner can read or write is
 * refused, unless insecure. NULL: fault says why, without the path. What comes is length octets
 * with a NUL behind them, to be given to secret_file_free().
 */
char *secret_file_read(const char *path, size_t max, bool insecure, size_t *length,
                       char fault[PRIVATE_FILE_FAULT_SIZE]);

/* Cleanse and release; NULL is fine. */
void secret_file_free(char *text, size_t length);

#endif
