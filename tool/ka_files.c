/*
 * Files of Ka's, read and written whole
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"
#include "line_reader.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool set_fault(char fault[KA_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, KA_FAULT_SIZE, "%s", what);
    return false;
}

/* A pipe or a device may have no end: what is no text shows soon, and what continues is cut off. */
static bool read_fd(struct secret_buf *text, int fd, char fault[KA_FAULT_SIZE])
{
    struct stat status;
    size_t max;

    if (fstat(fd, &status) != 0)
        return set_fault(fault, strerror(errno));
    if (secret_buf_read(text, fd, BLOCK_SIZE))
        return true;
    max = S_ISREG(status.st_mode) ? SIZE_MAX : KA_PIPE_MAX;
    if (!text->failed && errno == EFBIG) {
        if (memchr(text->octets, '\0', text->length) != NULL)
            return set_fault(fault, "no text: it has octets of zero");
        if (secret_buf_read(text, fd, max))
            return true;
    }
    if (text->failed)
        return set_fault(fault, "out of memory");
    return set_fault(fault, errno == EFBIG ? "more than 256 MiB, and not from a regular file"
                                           : strerror(errno));
}

bool ka_read(struct secret_buf *text, const char *in, char fault[KA_FAULT_SIZE])
{
    bool done;
    int fd;

    if (strcmp(in, "-") == 0)
        return read_fd(text, STDIN_FILENO, fault);
    fd = open(in, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return set_fault(fault, strerror(errno));
    done = read_fd(text, fd, fault);
    (void)close(fd);
    return done;
}

bool ka_may_write(const char *out, bool force, char fault[KA_FAULT_SIZE])
{
    struct stat status;

    return force || lstat(out, &status) != 0 || !S_ISREG(status.st_mode) ||
           set_fault(fault,
                     "is there already, and the Ka's in it may exist nowhere else: give another "
                     "name, or --force to replace it");
}

bool ka_write(const struct secret_buf *text, const char *out, bool force, char fault[KA_FAULT_SIZE])
{
    if (text->failed)
        return set_fault(fault, "out of memory");
    if (out == NULL)
        return secret_file_write(STDOUT_FILENO, text->octets, text->length) ||
               set_fault(fault, strerror(errno));
    if (force)
        return secret_file_guard_write(out, NULL, text->octets, text->length, fault);
    return ka_may_write(out, force, fault) &&
           secret_file_guard_write_new(out, text->octets, text->length, fault);
}
