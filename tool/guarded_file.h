/*
 * A private file in the making that a signal does not leave behind
 *
 * One at a time; by the thread that signals reach.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARDED_FILE_H
#define GUARDED_FILE_H

#include "private_file.h"

/*
 * SIGINT, SIGTERM and SIGHUP end the process as always, after the file in the making is removed; a
 * pipe without a reader and a limit of size become errors of write().
 */
void guarded_file_signals(void);

/* As private_file_create(), _commit() and _discard() do. */
bool guarded_file_create(struct private_file *file, const char *path,
                         char fault[PRIVATE_FILE_FAULT_SIZE]);
bool guarded_file_commit(struct private_file *file, char fault[PRIVATE_FILE_FAULT_SIZE]);
void guarded_file_discard(struct private_file *file);

/*
 * All of it at once: a file of mode 0600, or of the mode and owner that status has. False: fault;
 * path is as it was.
 */
bool guarded_file_write(const char *path, const struct stat *status, const void *octets,
                        size_t length, char fault[PRIVATE_FILE_FAULT_SIZE]);

#endif
