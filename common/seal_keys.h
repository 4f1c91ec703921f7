/*
 * The keys under which records of a shared store are sealed
 *
 *     N:<64 hex digits>
 *
 * One per line, N from 0 to 4294967295. The first one seals; all of them open, so that the key can
 * be changed without a pause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SEAL_KEYS_H
#define SEAL_KEYS_H

#include "secret_file.h"

#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_LENGTH      32
#define SEAL_KEYS_MAX        16
#define SEAL_KEYS_FAULT_SIZE SECRET_FILE_FAULT_SIZE

struct seal_key {
    uint32_t number;
    unsigned char octets[SEAL_KEY_LENGTH];
};

struct seal_keys {
    size_t count; /* at least one; the first seals */
    struct seal_key keys[SEAL_KEYS_MAX];
};

/* Read a file's text. NULL: fault names the line, what is wrong and what is wanted. */
struct seal_keys *seal_keys_parse(const char *text, size_t length,
                                  char fault[SEAL_KEYS_FAULT_SIZE]);

/* Read a file of mode 0600. NULL: fault, as above, without the path. */
struct seal_keys *seal_keys_read(const char *path, char fault[SEAL_KEYS_FAULT_SIZE]);

/* The key with this number; NULL: there is none. */
const struct seal_key *seal_keys_find(const struct seal_keys *keys, uint32_t number);

/* Cleanse and release; NULL is fine. */
void seal_keys_free(struct seal_keys *keys);

#endif
