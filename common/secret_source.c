/*
 * Where a program takes a secret from, so that none is on a command line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret_source.h"

#include "hex.h"
#include "printable.h"
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPACES " \t\r\n\v\f"

/* What is being read: text that may be longer than the secret by its white space. */
struct text {
    char *octets;
    size_t length, size;
};

static bool set_fault(char fault[SECRET_FAULT_SIZE], const char *source, const char *what)
{
    (void)snprintf(fault, SECRET_FAULT_SIZE, "%s: %s", PRINTABLE_PATH(source), what);
    return false;
}

static bool read_fd(struct text *text, int fd, const char *source, char fault[SECRET_FAULT_SIZE])
{
    while (text->length < text->size) {
        const ssize_t got = read(fd, text->octets + text->length, text->size - text->length);

        if (got < 0)
            return set_fault(fault, source, strerror(errno));
        if (got == 0)
            return true;
        text->length += (size_t)got;
    }
    return set_fault(fault, source, "longer than the secret can be");
}

/* Pipes are files here, too: for what a shell makes of <(command). */
static bool read_file(struct text *text, const char *path, const char *source,
                      char fault[SECRET_FAULT_SIZE])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char why[SECRET_FILE_FAULT_SIZE];
    struct stat status;
    bool done;

    if (fd < 0)
        return set_fault(fault, source, strerror(errno));
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && !secret_file_is_private(fd, why))
        (void)set_fault(fault, source, why);
    done = read_fd(text, fd, source, fault);
    (void)close(fd);
    return done;
}

/* The environment of a process can be read until it ends: take the secret out of it. */
static bool read_env(struct text *text, const char *name, const char *source,
                     char fault[SECRET_FAULT_SIZE])
{
    char *value = getenv(name);
    const size_t length = value == NULL ? 0 : strlen(value);

    if (value == NULL)
        return set_fault(fault, source, "there is no such variable");
    if (length >= text->size)
        return set_fault(fault, source, "longer than the secret can be");
    memcpy(text->octets, value, length);
    text->length = length;
    OPENSSL_cleanse(value, length);
    return unsetenv(name) == 0 || set_fault(fault, source, strerror(errno));
}

static bool read_number(struct text *text, const char *number, const char *source,
                        char fault[SECRET_FAULT_SIZE])
{
    char *end = NULL;
    unsigned long fd;

    errno = 0;
    fd = strtoul(number, &end, 10);
    if (number[0] < '0' || number[0] > '9' || *end != '\0' || errno != 0 || fd > 1023)
        return set_fault(fault, source, "must be the number of an open file descriptor");
    return read_fd(text, (int)fd, source, fault);
}

static bool read_stdin(struct text *text, const char *nothing, const char *source,
                       char fault[SECRET_FAULT_SIZE])
{
    (void)nothing;
    return read_fd(text, STDIN_FILENO, source, fault);
}

static const struct source {
    const char *prefix;
    bool exact; /* nothing follows the prefix */
    bool (*read)(struct text *text, const char *rest, const char *source,
                 char fault[SECRET_FAULT_SIZE]);
} sources[] = {
    {"file:", false, read_file},
    {"env:", false, read_env},
    {"fd:", false, read_number},
    {"stdin", true, read_stdin},
};

/* The row of a source; NULL: it is none. */
static const struct source *find(const char *source)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const size_t length = strlen(sources[i].prefix);

        if (strncmp(source, sources[i].prefix, length) == 0 &&
            (source[length] == '\0') == sources[i].exact)
            return &sources[i];
    }
    return NULL;
}

bool secret_source_is_one(const char *source)
{
    return find(source) != NULL;
}

/* The file, pipe or device behind a source; false: it is a variable, or there is none. */
static bool find_file(const char *source, struct stat *status)
{
    const struct source *row = find(source);
    const char *const rest = row == NULL ? "" : source + strlen(row->prefix);

    if (row == NULL || row->read == read_env)
        return false;
    if (row->read == read_file)
        return stat(rest, status) == 0;
    return fstat(row->read == read_stdin ? STDIN_FILENO : (int)strtol(rest, NULL, 10), status) == 0;
}

bool secret_source_is_same(const char *one, const char *other)
{
    struct stat a, b;

    return (strcmp(one, other) == 0 && find(one) != NULL) ||
           (find_file(one, &a) && find_file(other, &b) && a.st_dev == b.st_dev &&
            a.st_ino == b.st_ino);
}

bool secret_source_is_file(const char *source, const char *path)
{
    struct stat a, b;

    return find_file(source, &a) && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static bool read_text(struct text *text, const char *source, char fault[SECRET_FAULT_SIZE])
{
    const struct source *row = find(source);

    if (row != NULL)
        return row->read(text, source + strlen(row->prefix), source, fault);
    (void)snprintf(fault, SECRET_FAULT_SIZE, "%s", SECRET_SOURCES);
    return false;
}

/* Turn text without its white space into octets, in place. */
static bool decode(struct text *text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text->length; i++)
        if (text->octets[i] == '\0' || strchr(SPACES, text->octets[i]) == NULL)
            text->octets[digits++] = text->octets[i];
    text->length = digits / 2;
    return hex_decode((unsigned char *)text->octets, text->octets, digits);
}

static bool keep_octets(struct secret *secret, const struct text *text)
{
    secret->octets = OPENSSL_memdup(text->octets, text->length == 0 ? 1 : text->length);
    secret->length = text->length;
    return secret->octets != NULL;
}

bool secret_source_read(struct secret *secret, const char *source, bool raw, size_t max,
                        char fault[SECRET_FAULT_SIZE])
{
    /* Hex with a white space or two behind each octet; one more tells "too long" from "all". */
    struct text text = {.size = raw ? max + 1 : 4 * max + 1024};
    bool done = false;

    *secret = (struct secret){.octets = NULL};
    fault[0] = '\0';
    text.octets = OPENSSL_malloc(text.size);
    if (text.octets == NULL)
        (void)set_fault(fault, source, "out of memory");
    else if (!read_text(&text, source, fault))
        done = false;
    else if (!raw && !decode(&text))
        (void)set_fault(fault, source,
                        "not hex (--raw, if there is one, takes octets as they are)");
    else if (text.length == 0)
        (void)set_fault(fault, source, "empty");
    else if (text.length > max)
        (void)set_fault(fault, source, "longer than the secret can be");
    else
        done = keep_octets(secret, &text) || set_fault(fault, source, "out of memory");
    OPENSSL_clear_free(text.octets, text.size);
    return done;
}

void secret_free(struct secret *secret)
{
    OPENSSL_clear_free(secret->octets, secret->length);
    *secret = (struct secret){.octets = NULL};
}
