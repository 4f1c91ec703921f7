/*
 * Where a program takes a secret from, so that none is on a command line
 *
 *     file:PATH | env:NAME | fd:N | stdin
 *
 * Hex digits with white space around and between them, or octets as they are ("raw").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SECRET_SOURCE_H
#define SECRET_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_FAULT_SIZE 400

/* The error for a text that is no source: the text may be the secret itself, so it is not quoted.
 */
#define SECRET_SOURCES \
    "must be file:PATH, env:NAME, fd:N or stdin; no secret belongs on a command line"

struct secret {
    unsigned char *octets; /* NULL: none */
    size_t length;
};

/* Does a text have the form of a source? It does not check whether anything can be read there. */
bool secret_source_is_one(const char *source);

/*
 * Do two sources mean the same thing: the same variable, the same file under any of its names, or
 * the same pipe, which has nothing left after it was read once?
 */
bool secret_source_is_same(const char *one, const char *other);

/* Is a source the file at a path, by any of its names? */
bool secret_source_is_file(const char *source, const char *path);

/* The error for a source that is used twice, which follows the source. */
#define SECRET_USED_TWICE "used twice: each secret needs a source of its own"

/*
 * Read a secret of at most max octets. What is read from the environment is removed from it. A file
 * that others can read is taken with a warning in fault, which is empty otherwise. False: fault
 * says what is wrong, with the source and without the secret.
 */
bool secret_source_read(struct secret *secret, const char *source, bool raw, size_t max,
                        char fault[SECRET_FAULT_SIZE]);

/* Cleanse and release. */
void secret_free(struct secret *secret);

#endif
