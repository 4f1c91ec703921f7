/*
 * What a command must not write over: its own inputs, and files of devices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OUT_FILE_H
#define OUT_FILE_H

#include <stdbool.h>

/* What is said of an output that is an input too. */
#define OUT_FILE_IS_INPUT "is what this command reads: give another name"

/* Is a path the file behind an input, by any of its names? "-" as the input is standard input. */
bool out_file_is(const char *out, const char *in);

/*
 * Is there a devices file at a path, whose keys may be nowhere else, or a file that cannot be
 * read to know? Its first line counts: it names an identity and a key, by whatever it is separated.
 * NULL: neither; else what is wrong and what to do, to follow the path.
 */
const char *out_file_fault(const char *out);

#endif
