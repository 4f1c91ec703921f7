/*
 * The devices file, which replaces the BSF's answer (Zn), the AAnF's (Naanf), and a store of Ka's
 *
 *     identity,ks-naf,ka[,ka-id][,device][,not-after][,refresh]
 *
 *     identity   B-TID or A-KID; it changes with every bootstrapping
 *     ks-naf     64 hex digits: Ks_NAF or K_AF
 *     ka         hex of 16 to 65535 octets
 *     ka-id      which Ka
 *     device     the device's permanent name; empty, or no such column: the identity
 *     not-after  the end of ks-naf, seconds since 1970 UTC; empty: not known
 *     refresh    hex, for callers that take it
 *
 * Several rows with one identity give it several Ka's: the last one counts. The rows of a device
 * may have several identities: the last one is the newest. ks-naf may be empty in a third party's
 * file, and ka in a NAF's: the caller says what it needs. The form is strict: no quotes, no blanks,
 * no empty lines. The last line must have its end, because a file that was cut inside `ka` would
 * give a shorter Ka.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_NAF_LENGTH      ROW_KEY_LENGTH
#define DEVICE_TEXT_MAX    ROW_TEXT_MAX /* octets of an identity, a device, a ka-id */
#define DEVICES_FAULT_SIZE 300

/* Fields that must not be empty: bits of `needs`. An identity is always needed. */
#define DEVICES_KS_NAF COLUMN_BIT(COLUMN_KS_NAF)
#define DEVICES_KA     COLUMN_BIT(COLUMN_KA)
/* A column that not every caller takes: a bit of `extra`. */
#define DEVICES_REFRESH COLUMN_BIT(COLUMN_REFRESH)

/* What a caller wants of a devices file. */
struct devices_rules {
    unsigned int needs, extra;
    bool insecure; /* accept a file to which others have access */
};

struct device {
    const char *identity;
    const char *device;          /* its permanent name; the identity if the row has none */
    const char *ka_id;           /* empty: none */
    const unsigned char *ks_naf; /* NULL: none */
    const unsigned char *ka;     /* NULL: none */
    size_t ka_length;
    const unsigned char *refresh;
    size_t refresh_length; /* 0: none */
    int64_t not_after;     /* end of ks_naf, seconds since 1970 UTC; 0: not known */
    size_t row;            /* the line of the file */
};

struct devices_store;

struct devices {
    struct device *rows;             /* sorted by identity, then by line */
    const struct device **by_device; /* the same rows, sorted by device, then by line */
    size_t count, capacity;
    struct devices_store *store; /* what the rows point to */
};

/*
 * Read a file's text, which is decoded in place. NULL: fault names the line, what is wrong and what
 * is wanted, and quotes nothing of the file.
 */
struct devices *devices_parse(char *text, size_t length, const struct devices_rules *rules,
                              char fault[DEVICES_FAULT_SIZE]);

/* Read a file that is private (common/secret_file.h). NULL: fault, as above, without the path. */
struct devices *devices_read(const char *path, const struct devices_rules *rules,
                             char fault[DEVICES_FAULT_SIZE]);

/* The row of an identity that counts, its last one; NULL: there is none. */
const struct device *devices_find(const struct devices *devices, const char *identity);

/* The last row of a device, which has its newest Ks_NAF; NULL: there is none. */
const struct device *devices_find_device(const struct devices *devices, const char *device);

/*
 * The row whose Ka is meant. With a ka_id: the last row of the device with a Ka of that name.
 * Without one (NULL): the given row, or if it has no Ka, the last row of its device that has one.
 * NULL: there is none.
 */
const struct device *devices_ka(const struct devices *devices, const struct device *row,
                                const char *ka_id);

/* The device's first row with the same Ka (name and octets); it shows which of two Ka's is older.
 */
const struct device *devices_first_of_ka(const struct devices *devices, const struct device *row);

/* Does the row's device have a Ka with this name and these octets? row may be from another file. */
bool devices_has_ka(const struct devices *devices, const struct device *row);

/* Is the row's Ks_NAF past its end, by the system's clock? */
bool devices_expired(const struct device *row);

/* Cleanse and release; NULL is fine. */
void devices_free(struct devices *devices);

#endif
