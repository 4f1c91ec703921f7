/*
 * A private file in the making that a signal does not leave behind
 *
 * One at a time; by the thread that signals reach.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_FILE_GUARD_H
#define SECRET_FILE_GUARD_H

#include "secret_file.h"

/*
 * SIGINT, SIGTERM and SIGHUP end the process as always, after the file in the making is removed; a
 * pipe without a reader and a limit of size become errors of write().
 */
void secret_file_guard_signals(void);

/* As secret_file_create(), _commit() and _discard() do. */
bool secret_file_guard_create(struct secret_file *file, const char *path,
                              char fault[SECRET_FILE_FAULT_SIZE]);
bool secret_file_guard_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE]);
void secret_file_guard_discard(struct secret_file *file);

/* The name of another file in the making, which has to outlast this; NULL: it is made or gone. */
void secret_file_guard_name(const char *path);

/*
 * All of it at once: a file of mode 0600, or of the mode and owner that status has. False: fault;
 * path is as it was.
 */
bool secret_file_guard_write(const char *path, const struct stat *status, const void *octets,
                             size_t length, char fault[SECRET_FILE_FAULT_SIZE]);

/* The same, of mode 0600, if there is no file yet. */
bool secret_file_guard_write_new(const char *path, const void *octets, size_t length,
                                 char fault[SECRET_FILE_FAULT_SIZE]);

#endif
