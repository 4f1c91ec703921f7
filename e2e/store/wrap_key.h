/*
 * The keys under which records of a shared store are sealed
 *
 *     N:<64 hex digits>
 *
 * One a line, N from 0 to 4294967295. The first seals, all open: that is how a key is changed
 * without a pause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRAP_KEY_H
#define WRAP_KEY_H

#include "secret_file.h"

#include <stddef.h>
#include <stdint.h>

#define WRAP_KEY_LENGTH     32
#define WRAP_KEYS_MAX       16
#define WRAP_KEY_FAULT_SIZE SECRET_FILE_FAULT_SIZE

struct wrap_key {
    uint32_t number;
    unsigned char octets[WRAP_KEY_LENGTH];
};

struct wrap_keys {
    size_t count; /* at least one; the first seals */
    struct wrap_key keys[WRAP_KEYS_MAX];
};

/* Read a file's text. NULL: fault says in which line what is wrong and what is wanted. */
struct wrap_keys *wrap_keys_parse(const char *text, size_t length, char fault[WRAP_KEY_FAULT_SIZE]);

/* Read a file of mode 0600. NULL: fault, as above, without the path. */
struct wrap_keys *wrap_keys_read(const char *path, char fault[WRAP_KEY_FAULT_SIZE]);

/* The key of a number; NULL: there is none. */
const struct wrap_key *wrap_keys_find(const struct wrap_keys *keys, uint32_t number);

/* Cleanse and release; NULL is fine. */
void wrap_keys_free(struct wrap_keys *keys);

#endif
