/*
 * A key on its way out: in one of three formats, to standard output or to a file of mode 0600
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

enum output_format { OUTPUT_HEX, OUTPUT_RAW, OUTPUT_BASE64, OUTPUT_FORMATS };

/* The format of a name; OUTPUT_FORMATS: there is none. */
enum output_format output_format_of(const char *name);

/*
 * Write a key to the file at path, which is rewritten and renamed into place, or with NULL to
 * standard output. False: a sentence went to standard error, and path is as it was.
 */
bool output_key(const char *path, enum output_format format, const unsigned char *key,
                size_t length);

#endif
