/*
 * The beginning of every program
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * Call it first in main(). Descriptors 0 to 2 that are closed are opened on /dev/null: otherwise a
 * file of keys could get such a number, and text for standard error would be written into it. Says
 * on standard error what a program with privileges of its own ignores. name: the program's.
 */
void program_begin(const char *name);

#endif
