/*
 * akma setup: what the folder of a deployment consists of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SETUP_H
#define SETUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* What was asked for; NULL: it was not. */
struct setup_choice {
    const char *naf_fqdn, *third_party, *endpoint, *forward;
    const char *redis; /* some text */
};

/* A deployment in the making, or one that is there. */
struct setup {
    struct setup_choice choice;
    char dir[PATH_MAX];  /* its final path, absolute */
    char work[PATH_MAX]; /* where it is written: dir, or a folder that is renamed to it */
};

/* The Redis' host, as third party and endpoint reach it. */
const char *setup_redis_host(const struct setup_choice *choice);

/* Write a file that is not there yet. False: why went to standard error. */
bool setup_write(const struct setup *setup, const char *name, const char *text, size_t length,
                 bool is_secret);

/* Make a folder, of mode 0700. False: as above. */
bool setup_make_folder(const struct setup *setup, const char *name);

/* Say on standard error that something cannot be done with a file; false. */
bool setup_fail(const char *path, const char *what);

/* Every configuration, key, password and the README. */
bool setup_write_texts(const struct setup *setup);

/* The CA and the certificates, with their keys. */
bool setup_make_certificates(const struct setup *setup);

/* Renew what is near its end, with the keys that are there, and say what was done. */
bool setup_renew_certificates(const struct setup *setup);

#endif
