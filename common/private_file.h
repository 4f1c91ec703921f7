/*
 * Files of secrets: opened only if they are private, written anew and renamed into place
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PRIVATE_FILE_H
#define PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define PRIVATE_FILE_FAULT_SIZE 256

/*
 * Open a file of secrets to read it: a regular file (no symbolic link, and no device node is
 * touched) of this process's own user, which nobody else can read, write or execute. insecure
 * permits the modes of others, nothing else. -1: fault says what is wrong and what to do.
 */
int private_file_open(const char *path, bool insecure, char fault[PRIVATE_FILE_FAULT_SIZE]);

/*
 * Open a file of secrets to append to it (a key log): as above, made if there is none, and given
 * mode 0600 in any case. -1: fault.
 */
int private_file_append(const char *path, char fault[PRIVATE_FILE_FAULT_SIZE]);

/* True if a regular file of this status can be used by its owner alone. */
bool private_file_is_private(const struct stat *status);

/* A file in the making: path stays as it was until private_file_commit(). */
struct private_file {
    int fd; /* to write to; -1: none */
    char *path, *temporary;
};

/*
 * Begin a file of mode 0600, beside path and under another name. What stands at path must be a
 * regular file or nothing. False: fault; nothing is left behind.
 */
bool private_file_create(struct private_file *file, const char *path,
                         char fault[PRIVATE_FILE_FAULT_SIZE]);

/* Give it the mode and the owner of a file that it will replace. */
bool private_file_keep(struct private_file *file, const struct stat *status,
                       char fault[PRIVATE_FILE_FAULT_SIZE]);

/* Write all of it; false: errno says why. */
bool private_file_write(int fd, const void *octets, size_t length);

/* Bring it to the disk and rename it into place. False: fault; path is as it was. */
bool private_file_commit(struct private_file *file, char fault[PRIVATE_FILE_FAULT_SIZE]);

/* Remove what was written, unless it was committed. Fine after any of the calls above. */
void private_file_discard(struct private_file *file);

#endif
