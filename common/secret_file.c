/*
 * Files that hold secrets: read whole, and only where nobody but their owner can
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Is it what a file of secrets has to be, and no longer than it can be? */
static int open_fit(const char *path, size_t max, bool insecure, size_t *size,
                    char fault[PRIVATE_FILE_FAULT_SIZE])
{
    const int fd = private_file_open(path, insecure, fault);
    struct stat status;

    if (fd < 0)
        return -1;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size <= max) {
        *size = (size_t)status.st_size;
        return fd;
    }
    (void)snprintf(fault, PRIVATE_FILE_FAULT_SIZE, "longer than %zu octets", max);
    (void)close(fd);
    return -1;
}

/* Read up to size octets of a file that may shrink meanwhile. */
static char *read_open(int fd, size_t size, size_t *length, char fault[PRIVATE_FILE_FAULT_SIZE])
{
    char *text = OPENSSL_zalloc(size + 1);
    ssize_t got = 1;

    *length = 0;
    while (text != NULL && *length < size && (got = read(fd, text + *length, size - *length)) > 0)
        *length += (size_t)got;
    if (text != NULL && got >= 0)
        return text;
    (void)snprintf(fault, PRIVATE_FILE_FAULT_SIZE, "%s",
                   text == NULL ? "out of memory" : strerror(errno));
    OPENSSL_clear_free(text, size + 1);
    return NULL;
}

char *secret_file_read(const char *path, size_t max, bool insecure, size_t *length,
                       char fault[PRIVATE_FILE_FAULT_SIZE])
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
