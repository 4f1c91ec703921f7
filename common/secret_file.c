/*
 * Files that hold secrets: read whole, and only where nobody but their owner can
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const struct secret_file *kind, const char *path, const char *what)
{
    fprintf(stderr, "%s %s: %s\n", kind->name, path, what);
    return false;
}

static bool is_private(const struct stat *status)
{
    return (status->st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) == 0;
}

/* Is what was opened what a file of secrets has to be? */
static bool is_fit(const struct secret_file *kind, const char *path, bool insecure, int fd,
                   size_t *size)
{
    char sentence[160];
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0)
        return complain(kind, path, strerror(errno));
    if (!S_ISREG(status.st_mode) || (size_t)status.st_size > kind->max) {
        (void)snprintf(sentence, sizeof(sentence), "not a regular file of at most %zu octets",
                       kind->max);
        return complain(kind, path, sentence);
    }
    if (!insecure && !is_private(&status)) {
        (void)snprintf(sentence, sizeof(sentence),
                       "others than its owner can read or write it, and it holds secrets: "
                       "chmod 600 it%s%s%s",
                       kind->unless == NULL ? "" : " (or give --",
                       kind->unless == NULL ? "" : kind->unless,
                       kind->unless == NULL ? "" : " for a try)");
        return complain(kind, path, sentence);
    }
    *size = (size_t)status.st_size;
    return true;
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
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t size = 0;

    if (is_fit(kind, path, insecure, fd, &size))
        text = read_open(kind, path, fd, size, length);
    if (fd >= 0)
        (void)close(fd);
    return text;
}

void secret_file_free(char *text, size_t length)
{
    OPENSSL_clear_free(text, length + 1);
}
