/*
 * Files of secrets: opened only if they are private, read whole, rewritten and renamed into
 * place
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define SECRET_FILE_FAULT_SIZE 256

/*
 * Open a file of secrets to read it: a regular file (links are followed, no device node is touched)
 * that secret_file_is_private(). insecure permits others to use it, and nothing else. -1: fault
 * says what is wrong and what to do.
 */
int secret_file_open(const char *path, bool insecure, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Open a file of secrets to append to it (a key log): no link, of this process's own user, made if
 * there is none, and given mode 0600 in any case. -1: fault.
 */
int secret_file_append(const char *path, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Is an open file private? It belongs to root or to this process's user, and nobody else writes.
 * Nobody else reads either, but for a group where root owns the file and the group is root's or one
 * of this process's: so are files that systemd (LoadCredential) and Kubernetes (fsGroup) mount. An
 * ACL entry of another user or group that grants anything makes it public. False: fault.
 */
bool secret_file_is_private(int fd, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Read a regular file of at most max octets. One that others than its owner can read or write is
 * refused, unless insecure. NULL: fault says why, without the path. What comes is length octets
 * with a NUL behind them, to be given to secret_file_free().
 */
char *secret_file_read(const char *path, size_t max, bool insecure, size_t *length,
                       char fault[SECRET_FILE_FAULT_SIZE]);

/* Cleanse and release; NULL is fine. */
void secret_file_free(char *text, size_t length);

/* A file in the making: path stays as it was until secret_file_commit(). */
struct secret_file {
    int fd;     /* to write to; -1: none */
    bool fresh; /* set it, and secret_file_commit() replaces nothing */
    char *path, *temporary;
};

/*
 * Begin a file of mode 0600, beside path and under another name. The file at path must be a
 * regular file or nothing. False: fault; nothing is left behind.
 */
bool secret_file_create(struct secret_file *file, const char *path,
                        char fault[SECRET_FILE_FAULT_SIZE]);

/* Give it the mode and the owner of a file that it will replace. */
bool secret_file_keep_mode(struct secret_file *file, const struct stat *status,
                           char fault[SECRET_FILE_FAULT_SIZE]);

/* Write all of it; false: errno says why. */
bool secret_file_write(int fd, const void *octets, size_t length);

/*
 * Bring it to the disk and rename it into place. False: fault; path is as it was. With `fresh` that
 * is so if anything is there already.
 */
bool secret_file_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE]);

/* Remove what was written, unless it was committed. Fine after any of the calls above. */
void secret_file_discard(struct secret_file *file);

#endif
