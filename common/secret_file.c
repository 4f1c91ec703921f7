/*
 * Files of secrets: opened only if they are private, written anew and renamed into place
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wrong(char fault[SECRET_FILE_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "%s", what);
    return false;
}

bool secret_file_is_private(const struct stat *status)
{
    return (status->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool is_regular(const struct stat *status, char fault[SECRET_FILE_FAULT_SIZE])
{
    return S_ISREG(status->st_mode) ||
           wrong(fault, S_ISLNK(status->st_mode) ? "a symbolic link: name the file itself"
                                                 : "not a regular file");
}

static bool is_acceptable(const struct stat *status, bool insecure,
                          char fault[SECRET_FILE_FAULT_SIZE])
{
    if (!is_regular(status, fault))
        return false;
    if (status->st_uid != geteuid())
        return wrong(fault, "belongs to another user: chown it to the user that runs this program");
    return insecure || secret_file_is_private(status) ||
           wrong(fault,
                 "users other than its owner can access it, and it holds keys: chmod 600 it");
}

/* Before open(), because opening a device may do something; after it, because only that counts. */
static int open_checked(const char *path, int flags, bool insecure,
                        char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;
    int fd;

    if (lstat(path, &status) == 0 && !is_regular(&status, fault))
        return -1;
    fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0 || fstat(fd, &status) != 0)
        (void)wrong(fault, strerror(errno));
    else if (is_acceptable(&status, insecure, fault))
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

int secret_file_open(const char *path, bool insecure, char fault[SECRET_FILE_FAULT_SIZE])
{
    return open_checked(path, O_RDONLY, insecure, fault);
}

int secret_file_append(const char *path, char fault[SECRET_FILE_FAULT_SIZE])
{
    const int fd = open_checked(path, O_WRONLY | O_CREAT | O_APPEND, true, fault);

    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) == 0)
        return fd;
    (void)wrong(fault, strerror(errno));
    (void)close(fd);
    return -1;
}

bool secret_file_create(struct secret_file *file, const char *path,
                        char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;
    char *temporary = NULL;

    *file = (struct secret_file){.fd = -1};
    if (lstat(path, &status) == 0 && !is_regular(&status, fault))
        return false;
    file->path = strdup(path);
    if (file->path == NULL || asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        secret_file_discard(file);
        return wrong(fault, "out of memory");
    }
    file->fd = mkostemp(temporary, O_CLOEXEC);
    if (file->fd >= 0) {
        file->temporary = temporary;
        return true;
    }
    (void)wrong(fault, strerror(errno));
    free(temporary);
    secret_file_discard(file);
    return false;
}

bool secret_file_keep_mode(struct secret_file *file, const struct stat *status,
                           char fault[SECRET_FILE_FAULT_SIZE])
{
    /* The owner first: a change of owner takes bits of the mode away. */
    return (fchown(file->fd, status->st_uid, status->st_gid) == 0 &&
            fchmod(file->fd, status->st_mode & 07777) == 0) ||
           wrong(fault, strerror(errno));
}

bool secret_file_write(int fd, const void *octets, size_t length)
{
    const char *rest = octets;

    while (length > 0) {
        const ssize_t written = write(fd, rest, length);

        if (written < 0)
            return false;
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

/* The new name is on the disk when its folder is. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    const int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(copy);
}

/* link() makes a name only where there is none. */
static bool name_it(const struct secret_file *file)
{
    if (!file->fresh)
        return rename(file->temporary, file->path) == 0;
    return link(file->temporary, file->path) == 0 && unlink(file->temporary) == 0;
}

bool secret_file_commit(struct secret_file *file, char fault[SECRET_FILE_FAULT_SIZE])
{
    bool done = fsync(file->fd) == 0;

    done = close(file->fd) == 0 && done;
    file->fd = -1;
    done = done && name_it(file);
    if (done) {
        sync_folder(file->path);
        free(file->temporary);
        file->temporary = NULL;
    } else {
        (void)wrong(fault, strerror(errno));
    }
    secret_file_discard(file);
    return done;
}

void secret_file_discard(struct secret_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    if (file->temporary != NULL)
        (void)unlink(file->temporary);
    free(file->path);
    free(file->temporary);
    *file = (struct secret_file){.fd = -1};
}

/* Reading one whole */

/* Is it what a file of secrets has to be, and no longer than it can be? */
static int open_fit(const char *path, size_t max, bool insecure, size_t *size,
                    char fault[SECRET_FILE_FAULT_SIZE])
{
    const int fd = secret_file_open(path, insecure, fault);
    struct stat status;

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size <= max) {
        *size = (size_t)status.st_size;
        return fd;
    }
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "longer than %zu octets", max);
    (void)close(fd);
    return -1;
}

/* Read up to size octets of a file that may shrink meanwhile. */
static char *read_open(int fd, size_t size, size_t *length, char fault[SECRET_FILE_FAULT_SIZE])
{
    char *text = OPENSSL_zalloc(size + 1);
    ssize_t got = 1;

    *length = 0;
    while (text != NULL && *length < size && (got = read(fd, text + *length, size - *length)) > 0)
        *length += (size_t)got;
    if (text != NULL && got >= 0)
        return text;
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "%s",
                   text == NULL ? "out of memory" : strerror(errno));
    OPENSSL_clear_free(text, size + 1);
    return NULL;
}

char *secret_file_read(const char *path, size_t max, bool insecure, size_t *length,
                       char fault[SECRET_FILE_FAULT_SIZE])
{
    size_t size = 0;
    const int fd = open_fit(path, max, insecure, &size, fault);
    char *text = fd < 0 ? NULL : read_open(fd, size, length, fault);

    if (fd >= 0)
        (void)close(fd);
    return text;
}

void secret_file_free(char *text, size_t length)
{
    OPENSSL_clear_free(text, length + 1);
}
