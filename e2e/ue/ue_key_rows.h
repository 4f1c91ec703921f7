/*
 * The rows of a UE that bootstraps: its Ka's, each with the key that the bootstrapping gave
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_KEY_ROWS_H
#define UE_KEY_ROWS_H

#include "devices.h"
#include "net/dtls.h"

#include <stdint.h>

#define UE_PROTOCOLS_MAX (1 + DTLS_CIPHERS_MAX) /* TLS 1.3, and one for each suite */

/* What a bootstrapping gave. Holds a secret: cleanse it. */
struct ue_key {
    char b_tid[DEVICE_TEXT_MAX + 1];
    unsigned char ks_nafs[UE_PROTOCOLS_MAX][KS_NAF_LENGTH]; /* for each Ua security protocol */
    int64_t not_after;                                      /* seconds since 1970 UTC */
};

/* Where the device's Ka's are: rows of a devices file, or one alone; kept, not copied. */
struct ue_kas {
    const struct devices *rows; /* those of `device` count, the last one is the newest; or NULL */
    const char *device;         /* NULL, without rows: the key's B-TID */
    const unsigned char *ka;    /* without rows */
    size_t ka_length;
    const char *ka_id; /* NULL: none */
};

/* Rows as a devices file has them, through its own parser. NULL: fault; there is no Ka, or one is
 * malformed, or memory is short. */
struct devices *ue_key_rows(const struct ue_key *key, const struct ue_kas *kas,
                            char fault[DEVICES_FAULT_SIZE]);

#endif
