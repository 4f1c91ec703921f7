/*
 * Files that hold secrets: read whole, and only where nobody but their owner can
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* What the file is called in complaints, and how long it may be. */
struct secret_file {
    const char *name;
    size_t max; /* octets */
};

/*
 * Read a regular file. One that others than its owner can read or write is refused, unless
 * insecure. NULL: the reason went to standard error. What comes is length octets with a NUL behind
 * them, to be given to secret_file_free().
 */
char *secret_file_read(const struct secret_file *kind, const char *path, bool insecure,
                       size_t *length);

/* Cleanse and release; NULL is fine. */
void secret_file_free(char *text, size_t length);

#endif
