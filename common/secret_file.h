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
 * Open a file of secrets for reading. It must be a regular file (links are followed, device nodes
 * are not opened) and pass secret_file_is_private(), unless insecure is set. -1: fault says what is
 * wrong and what to do.
 */
int secret_file_open(const char *path, bool insecure, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Open a file of secrets for appending (a key log). It must not be a link, and must belong to this
 * process's user; it is created if there is none, and always gets mode 0600. -1: fault.
 */
int secret_file_append(const char *path, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Is an open file private? It must belong to root or to this process's user, and nobody else may
 * have access, with one exception: a group may read it, if root owns the file and the group is
 * root's or one of this process's. Files that systemd (LoadCredential) and Kubernetes (fsGroup)
 * mount are like this. An ACL entry that grants anything to another user or group makes a file
 * public. False: fault.
 */
bool secret_file_is_private(int fd, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * Read a regular file of at most max octets, which must be private, unless insecure is set. Returns
 * *length octets and a NUL; release them with secret_file_free(). NULL: fault says why, without the
 * path.
 */
char *secret_file_read(const char *path, size_t max, bool insecure, size_t *length,
                       char fault[SECRET_FILE_FAULT_SIZE]);

/* Cleanse and release; NULL is fine. */
void secret_file_free(char *text, size_t length);

/* A file in the making: path stays as it was until secret_file_commit(). */
struct secret_file {
    int fd;     /* to write to; -1: none */
    bool fresh; /* if set, secret_file_commit() replaces nothing */
    char *path, *temporary;
};

/*
 * Begin a file of mode 0600, in the folder of path, under another name. At path there must be a
 * regular file or nothing. False: fault; nothing is left behind.
 */
bool secret_file_create(struct secret_file *file, const char *path,
                        char fault[SECRET_FILE_FAULT_SIZE]);

/* Write all of it; false: errno says why. */
bool secret_file_write(int fd, const void *octets, size_t length);

/*
 * Sync it to the disk and rename it into place. False: fault; path is as it was. With `fresh` it
 * fails if anything is there already.
 */
bool secret_file_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE]);

/*
 * All of it at once, while signals are held back (held_signals.h): create, write, keep the mode and
 * owner that status has (NULL: mode 0600) and commit. False: fault; path is as it was.
 */
bool secret_file_put(const char *path, const struct stat *status, bool fresh, const void *octets,
                     size_t length, char fault[SECRET_FILE_FAULT_SIZE]);

/* Remove what was written, unless it was committed. Fine after any of the calls above. */
void secret_file_discard(struct secret_file *file);

#endif
