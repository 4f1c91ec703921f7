/*
 * Files that hold secrets: read whole, and only where nobody but their owner can
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file.h"

#include "printable.h"
#include "private_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool complain(const struct secret_file *kind, const char *path, const char *what)
{
    fprintf(stderr, "%s %s: %s\n", kind->name, PRINTABLE(path), what);
    return false;
}

/* Is it what a file of secrets has to be, and no longer than it can be? */
static int open_fit(const struct secret_file *kind, const char *path, bool insecure, size_t *size)
{
    char sentence[PRIVATE_FILE_FAULT_SIZE];
    const int fd = private_file_open(path, insecure, sentence);
    struct stat status;

    if (fd < 0) {
        (void)complain(kind, path, sentence);
        return -1;
    }
    if (fstat(fd, &status) == 0 && (size_t)status.st_size <= kind->max) {
        *size = (size_t)status.st_size;
        return fd;
    }
    (void)snprintf(sentence, sizeof(sentence), "longer than %zu octets", kind->max);
    (void)complain(kind, path, sentence);
    (void)close(fd);
    return -1;
}

/* Read up to size octets of a file that may shrink meanwhile. */
static char *read_open(const struct secret_file *kind, const char *path, int fd, size_t size,
                       size_t *length)
{
    char *text = OPENSSL_zalloc(size + 1);
    ssize_t got = 1;

    *length = 0;
    while (text != NULL && *length < size && (got = read(fd, text + *length, size - *length)) > 0)
        *length += (size_t)got;
    if (text != NULL && got >= 0)
        return text;
    (void)complain(kind, path, text == NULL ? "out of memory" : strerror(errno));
    OPENSSL_clear_free(text, size + 1);
    return NULL;
}

char *secret_file_read(const struct secret_file *kind, const char *path, bool insecure,
                       size_t *length)
{
    size_t size = 0;
    const int fd = open_fit(kind, path, insecure, &size);
    char *text = fd < 0 ? NULL : read_open(kind, path, fd, size, length);

    if (fd >= 0)
        (void)close(fd);
    return text;
}

void secret_file_free(char *text, size_t length)
{
    OPENSSL_clear_free(text, length + 1);
}
