/*
 * The devices file: stands in for the BSF's answer (Zn), the AAnF's (Naanf), and a store of Ka's
 *
 *     identity,ks-naf,ka[,ka-id]
 *     <B-TID or A-KID>,<64 hex digits>,<hex of 16 to 65535 octets, or nothing>[,<name of the Ka>]
 *
 * Several rows of an identity are several Ka's. Strict: no quotes, no blanks, no empty lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#define KS_NAF_LENGTH      32
#define DEVICE_TEXT_MAX    255 /* octets of an identity and of a ka-id */
#define DEVICES_FAULT_SIZE 200

struct device {
    char identity[DEVICE_TEXT_MAX + 1];
    char ka_id[DEVICE_TEXT_MAX + 1]; /* empty: none */
    unsigned char ks_naf[KS_NAF_LENGTH];
    unsigned char *ka; /* NULL: none */
    size_t ka_length;
    size_t row;
};

struct devices {
    struct device *rows; /* sorted by identity, then as they stand in the file */
    size_t count;
};

/* Read a file's text. NULL: fault says in which line what is wrong and what is wanted; no secret.
 */
struct devices *devices_parse(const char *text, size_t length, char fault[DEVICES_FAULT_SIZE]);

/*
 * Read a file. One that others than its owner can read or write is refused, unless insecure. NULL:
 * the reason went to standard error.
 */
struct devices *devices_read(const char *path, bool insecure);

/* The first row of an identity; NULL: there is none. */
const struct device *devices_find(const struct devices *devices, const char *identity);

/*
 * The row whose Ka is meant: the one named ka_id, or with NULL the last one of the identity. NULL:
 * there is none with a Ka. device is the identity's first row.
 */
const struct device *devices_ka(const struct devices *devices, const struct device *device,
                                const char *ka_id);

/* Cleanse and release; NULL is fine. */
void devices_free(struct devices *devices);

#endif
