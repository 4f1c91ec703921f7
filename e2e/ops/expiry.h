/*
 * When the certificates and revocation lists that are in use come to their end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPIRY_FILES_MAX 16
#define EXPIRY_PATH_SIZE 512

struct expiry {
    const char *option; /* without dashes */
    char path[EXPIRY_PATH_SIZE];
    int64_t not_after; /* seconds since 1970; of several certificates: the one that counts */
};

/* An option's file, which was read; it replaces what was said of the option. Any thread. */
void expiry_set(const char *option, const char *path, int64_t not_after);

/* It has no end any more. Any thread. */
void expiry_forget(const char *option);

/* How many there are, copied to files. */
size_t expiry_look(struct expiry files[EXPIRY_FILES_MAX]);

/* A gauge for each file, in Prometheus' text format. */
void expiry_print(FILE *out);

#endif
