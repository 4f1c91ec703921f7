/*
 * The devices file: stands in for the BSF's answer (Zn), the AAnF's (Naanf), and a store of Ka's
 *
 *     identity,ks-naf,ka[,ka-id][,refresh]
 *     <B-TID or A-KID>,<64 hex digits>,<hex of 16 to 65535 octets>[,<name of the Ka>][,<hex>]
 *
 * Several rows of an identity are several Ka's. A third party's file may leave ks-naf empty, a
 * NAF's ka: the caller says what it needs. Strict: no quotes, no blanks, no empty lines, and the
 * last line has its end, because a file cut inside `ka` would be a shorter Ka.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "rows.h"

#include <stdbool.h>
#include <stddef.h>

#define KS_NAF_LENGTH      ROW_KEY_LENGTH
#define DEVICE_TEXT_MAX    ROW_TEXT_MAX /* octets of an identity and of a ka-id */
#define DEVICES_FAULT_SIZE 300

/* What rows have to have: bits of `needs`. Each row has an identity. */
#define DEVICES_KS_NAF COLUMN_BIT(COLUMN_KS_NAF)
#define DEVICES_KA     COLUMN_BIT(COLUMN_KA)
/* A column besides identity, ks-naf, ka and ka-id that a caller takes: a bit of `extra`. */
#define DEVICES_REFRESH COLUMN_BIT(COLUMN_REFRESH)

/* What a caller wants of a devices file. */
struct devices_rules {
    unsigned int needs, extra;
    bool insecure; /* take a file that others can use */
};

struct device {
    const char *identity;
    const char *ka_id;           /* empty: none */
    const unsigned char *ks_naf; /* NULL: none */
    const unsigned char *ka;     /* NULL: none */
    size_t ka_length;
    const unsigned char *refresh;
    size_t refresh_length; /* 0: none */
    size_t row;            /* the line of the file */
};

struct devices_store;

struct devices {
    struct device *rows; /* sorted by identity, then as they stand in the file */
    size_t count, capacity;
    struct devices_store *store; /* what the rows point to */
};

/*
 * Read a file's text, which is decoded in place. NULL: fault says in which line what is wrong and
 * what is wanted; no secret, nothing of the file's text.
 */
struct devices *devices_parse(char *text, size_t length, const struct devices_rules *rules,
                              char fault[DEVICES_FAULT_SIZE]);

/* Read a file that is private (common/secret_file.h). NULL: fault, as above, without the path. */
struct devices *devices_read(const char *path, const struct devices_rules *rules,
                             char fault[DEVICES_FAULT_SIZE]);

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
