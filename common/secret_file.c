/*
 * Files of secrets: opened only if they are private, rewritten and renamed into place
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file.h"

#include "held_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* linux/posix_acl.h and linux/posix_acl_xattr.h */
#define ACL_HEADER    4
#define ACL_ENTRY     8 /* tag and permissions of two octets each, id of four */
#define ACL_READ      4U
#define ACL_ALL       7U
#define ACL_USER      0x02U
#define ACL_GROUP_OBJ 0x04U
#define ACL_GROUP     0x08U
#define ACL_MASK      0x10U
#define ACL_OCTETS    4096

#define IS_PUBLIC "users other than its owner can access it, and it holds keys: chmod 600 it"
#define IS_GROUP_S                                                                                \
    "a group that this program is not in may read it, and it holds keys: run the program as the " \
    "service's user (runuser -u USER -- ...), or chmod 600 it"

static bool set_fault(char fault[SECRET_FILE_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "%s", what);
    return false;
}

static bool is_regular(const struct stat *status, char fault[SECRET_FILE_FAULT_SIZE])
{
    return S_ISREG(status->st_mode) ||
           set_fault(fault, S_ISLNK(status->st_mode) ? "a symbolic link: name the file itself"
                                                     : "not a regular file");
}

/* The users who may access it. */

static bool is_own_group(gid_t group)
{
    const int room = getgroups(0, NULL);
    gid_t *groups = room <= 0 ? NULL : malloc((size_t)room * sizeof(*groups));
    const int count = groups == NULL ? 0 : getgroups(room, groups);
    bool is_own = group == 0 || group == getegid();

    for (int i = 0; i < count; i++)
        is_own = is_own || groups[i] == group;
    free(groups);
    return is_own;
}

static bool may_group(const struct stat *status, gid_t group, unsigned int permitted)
{
    return permitted == 0 || (permitted == ACL_READ && status->st_uid == 0 && is_own_group(group));
}

/* As the packages install the files of a service: the service could read it. */
static bool is_of_service(const struct stat *status)
{
    return status->st_uid == 0 && (status->st_mode & S_IRWXG) == S_IRGRP;
}

static unsigned int little_endian(const unsigned char *octets, size_t length)
{
    unsigned int number = 0;

    while (length-- > 0)
        number = number << 8 | octets[length];
    return number;
}

static unsigned int acl_mask(const unsigned char *entries, size_t length)
{
    for (size_t at = 0; at + ACL_ENTRY <= length; at += ACL_ENTRY)
        if (little_endian(entries + at, 2) == ACL_MASK)
            return little_endian(entries + at + 2, 2);
    return ACL_ALL;
}

/* Each entry of a POSIX ACL, as the kernel gives it (linux/posix_acl_xattr.h); others are in the
 * mode. */
static bool acl_permits(const struct stat *status, const unsigned char *entries, size_t length)
{
    const unsigned int mask = acl_mask(entries, length);

    for (size_t at = 0; at + ACL_ENTRY <= length; at += ACL_ENTRY) {
        const unsigned int tag = little_endian(entries + at, 2);
        const unsigned int permitted = little_endian(entries + at + 2, 2) & mask;
        const unsigned int id = little_endian(entries + at + 4, 4);

        if (tag == ACL_USER && permitted != 0 && id != 0 && id != geteuid())
            return false;
        if ((tag == ACL_GROUP_OBJ && !may_group(status, status->st_gid, permitted)) ||
            (tag == ACL_GROUP && !may_group(status, id, permitted)))
            return false;
    }
    return true;
}

static bool is_private(int fd, const struct stat *status, char fault[SECRET_FILE_FAULT_SIZE])
{
    unsigned char acl[ACL_OCTETS];
    const ssize_t length = fgetxattr(fd, "system.posix_acl_access", acl, sizeof(acl));

    if ((status->st_mode & S_IRWXO) != 0)
        return set_fault(fault, IS_PUBLIC);
    if (length < 0 && (errno == ENODATA || errno == EOPNOTSUPP))
        return may_group(status, status->st_gid, (status->st_mode & S_IRWXG) >> 3) ||
               set_fault(fault, is_of_service(status) ? IS_GROUP_S : IS_PUBLIC);
    return (length >= ACL_HEADER &&
            acl_permits(status, acl + ACL_HEADER, (size_t)length - ACL_HEADER)) ||
           set_fault(fault,
                     "its access control list lets others access it, and it holds keys: setfacl "
                     "-b and chmod 600 it");
}

static bool is_acceptable(int fd, bool insecure, char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return set_fault(fault, strerror(errno));
    if (!is_regular(&status, fault))
        return false;
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return set_fault(fault,
                         "belongs to another user: chown it to root or to the user that runs "
                         "this program");
    return insecure || is_private(fd, &status, fault);
}

bool secret_file_is_private(int fd, char fault[SECRET_FILE_FAULT_SIZE])
{
    return is_acceptable(fd, false, fault);
}

/* Checked before open(), since opening a device may have effects, and after it, since the file may
 * have changed. */
int secret_file_open(const char *path, bool insecure, char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;
    int fd;

    if (stat(path, &status) == 0 && !is_regular(&status, fault))
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        (void)set_fault(fault, strerror(errno));
    else if (is_acceptable(fd, insecure, fault))
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static bool is_own(int fd, char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return set_fault(fault, strerror(errno));
    if (!is_regular(&status, fault))
        return false;
    return status.st_uid == geteuid() ||
           set_fault(fault, "belongs to another user: chown it to the user that runs this program");
}

/* A link is not followed: somebody else may have put it there. */
int secret_file_append(const char *path, char fault[SECRET_FILE_FAULT_SIZE])
{
    struct stat status;
    int fd;

    if (lstat(path, &status) == 0 && !is_regular(&status, fault))
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
              S_IRUSR | S_IWUSR);
    if (fd < 0) {
        (void)set_fault(fault, strerror(errno));
        return -1;
    }
    if (is_own(fd, fault) &&
        (fchmod(fd, S_IRUSR | S_IWUSR) == 0 || set_fault(fault, strerror(errno))))
        return fd;
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
        return set_fault(fault, "out of memory");
    }
    file->fd = mkostemp(temporary, O_CLOEXEC);
    if (file->fd >= 0) {
        file->temporary = temporary;
        return true;
    }
    (void)set_fault(fault, strerror(errno));
    free(temporary);
    secret_file_discard(file);
    return false;
}

/* Give it the mode and the owner of a file that it will replace. */
static bool keep_mode(struct secret_file *file, const struct stat *status,
                      char fault[SECRET_FILE_FAULT_SIZE])
{
    /* The owner first: a change of owner clears bits of the mode. */
    return (fchown(file->fd, status->st_uid, status->st_gid) == 0 &&
            fchmod(file->fd, status->st_mode & 07777) == 0) ||
           set_fault(fault, strerror(errno));
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

/* The new name is safe once its folder is synced. */
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

/* link() makes a name only if there is none. */
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
        (void)set_fault(fault, strerror(errno));
    }
    secret_file_discard(file);
    return done;
}

static bool write_and_commit(struct secret_file *file, const struct stat *status,
                             const void *octets, size_t length, char fault[SECRET_FILE_FAULT_SIZE])
{
    if (!secret_file_write(file->fd, octets, length))
        return set_fault(fault, strerror(errno));
    return (status == NULL || keep_mode(file, status, fault)) && secret_file_commit(file, fault);
}

bool secret_file_put(const char *path, const struct stat *status, bool fresh, const void *octets,
                     size_t length, char fault[SECRET_FILE_FAULT_SIZE])
{
    const sigset_t before = held_signals_begin();
    struct secret_file file;
    bool done = secret_file_create(&file, path, fault);

    file.fresh = fresh;
    done = done && write_and_commit(&file, status, octets, length, fault);
    secret_file_discard(&file);
    held_signals_end(&before);
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
