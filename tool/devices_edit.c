/*
 * Changing a devices file: locked against a second writer, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_edit.h"

#include "line_reader.h"
#include "printable.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define TRIES_A_SECOND 50

static bool set_fault(char fault[DEVICES_EDIT_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE, "%s", what);
    return false;
}

struct devices *devices_edit_parse(const struct secret_buf *text, unsigned int needs,
                                   char fault[DEVICES_EDIT_FAULT_SIZE])
{
    const struct devices_rules any = {.needs = needs, .extra = COLUMN_BIT(COLUMNS) - 1};
    char *copy = text->failed ? NULL : secret_buf_copy(text);
    struct devices *devices = NULL;

    if (copy == NULL)
        (void)set_fault(fault, "out of memory");
    else
        devices = devices_parse(copy, text->length, &any, fault);
    OPENSSL_clear_free(copy, text->length);
    return devices;
}

/* Open what is at the path now: a device node is not opened, a link is not followed. */
static int open_regular(const char *path, struct stat *status, char fault[DEVICES_EDIT_FAULT_SIZE])
{
    int fd = -1;

    if (lstat(path, status) == 0 && !S_ISREG(status->st_mode)) {
        (void)set_fault(fault, "not a regular file");
        return -1;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, status) == 0 && S_ISREG(status->st_mode))
        return fd;
    (void)set_fault(fault, fd < 0 ? strerror(errno) : "not a regular file");
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* A writer renames a new file into place: a lock on the old inode protects nothing. */
static bool is_at_path(const char *path, const struct stat *status)
{
    struct stat now;

    return lstat(path, &now) == 0 && now.st_ino == status->st_ino && now.st_dev == status->st_dev;
}

static bool lock(struct devices_edit *edit, unsigned int wait, char fault[DEVICES_EDIT_FAULT_SIZE])
{
    static const struct timespec pause = {.tv_nsec = 1000000000L / TRIES_A_SECOND};

    for (unsigned int i = 0; i <= wait * TRIES_A_SECOND; i++) {
        edit->fd = open_regular(edit->path, &edit->status, fault);
        if (edit->fd < 0)
            return false;
        if (flock(edit->fd, LOCK_EX | LOCK_NB) == 0) {
            if (is_at_path(edit->path, &edit->status))
                return true;
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return set_fault(fault, strerror(errno));
        }
        (void)close(edit->fd);
        edit->fd = -1;
        (void)nanosleep(&pause, NULL);
    }
    (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE,
                   "another writer has held its lock for %u seconds (--wait waits longer)", wait);
    return false;
}

/* The header, again: devices_edit_parse() has found it good. */
static void read_layout(struct devices_edit *edit)
{
    static const struct row_rules any = {.takes = COLUMN_BIT(COLUMNS) - 1};
    char *rest = edit->text.octets, *line, fault[ROW_FAULT_SIZE];
    size_t left = edit->text.length, length;

    if (line_next(&rest, &left, &line, &length))
        (void)row_layout_read(&edit->layout, &any, line, length, fault);
}

/* Its mode stays: a program that reads it refuses it later. */
static void warn_of_mode(const struct devices_edit *edit)
{
    if ((edit->status.st_mode & S_IRWXO) != 0)
        fprintf(stderr,
                "akma ka: warning: %s: every user can access it, and it holds keys: chmod o= it\n",
                PRINTABLE(edit->path));
}

bool devices_edit_open(struct devices_edit *edit, const char *path, unsigned int wait,
                       char fault[DEVICES_EDIT_FAULT_SIZE])
{
    *edit = (struct devices_edit){.path = path, .fd = -1};
    if (!lock(edit, wait, fault))
        return false;
    if (!secret_buf_read(&edit->text, edit->fd, SIZE_MAX))
        return set_fault(fault, edit->text.failed ? "out of memory" : strerror(errno));
    edit->devices = devices_edit_parse(&edit->text, 0, fault);
    if (edit->devices == NULL)
        return false;
    read_layout(edit);
    warn_of_mode(edit);
    return true;
}

bool devices_edit_replace(struct devices_edit *edit, const struct secret_buf *text,
                          char fault[DEVICES_EDIT_FAULT_SIZE])
{
    char why[DEVICES_EDIT_FAULT_SIZE];
    struct devices *devices = devices_edit_parse(text, 0, why);

    if (devices == NULL) {
        (void)snprintf(fault, DEVICES_EDIT_FAULT_SIZE,
                       "after this change it would be wrong: %.300s", why);
        return false;
    }
    devices_free(devices);
    return secret_file_guard_write(edit->path, &edit->status, text->octets, text->length, fault);
}

void devices_edit_close(struct devices_edit *edit)
{
    devices_free(edit->devices);
    secret_buf_free(&edit->text);
    if (edit->fd >= 0)
        (void)close(edit->fd); /* and the lock */
}
