/*
 * The beginning of every program
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * Call it first in main(). It opens descriptors 0 to 2 on /dev/null if they are closed: otherwise a
 * file of keys could get such a number, and messages for standard error would be written into it.
 * If the program's file has privileges of its own, it says on standard error what is ignored
 * because of that. name: the program's.
 */
void program_begin(const char *name);

#endif
