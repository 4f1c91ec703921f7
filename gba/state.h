/*
 * What a bootstrapping left, in a private file
 *
 *     akma-bootstrap 1
 *     imsi 001010000000001
 *     impi 001010000000001@ims.mnc001.mcc001.3gppnetwork.org
 *     b-tid <user@realm>
 *     rand <32 hex digits>
 *     lifetime <seconds since 1970 UTC>
 *     ks <64 hex digits>, or "card" if Ks stays on the card
 *
 * It is bound to the IMSI, and ignored with another card or none. It belongs in /run, so that it is
 * gone after a restart of the device.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATE_H
#define STATE_H

#include "usim.h"

#include <stdint.h>

#define STATE_DEFAULT "/run/akma-bootstrap"

/* Holds Ks: cleanse it. */
struct gba_state {
    char imsi[USIM_IMSI_SIZE], impi[USIM_NAME_SIZE], b_tid[USIM_NAME_SIZE];
    unsigned char rand[USIM_RAND], ks[USIM_KEY];
    int64_t lifetime; /* seconds since 1970 UTC */
    bool has_ks;      /* false: it is on the card */
};

/* Read a file of mode 0600. False: fault says why, without a secret. */
bool gba_state_read(struct gba_state *state, const char *path, char fault[GBA_FAULT_SIZE]);

/*
 * Can it be written? At path there must be a state file or nothing. False: fault; do not bootstrap
 * then.
 */
bool gba_state_check(const char *path, char fault[GBA_FAULT_SIZE]);

/* Rewrite the file and rename it into place. False: fault; path is as it was. */
bool gba_state_write(const struct gba_state *state, const char *path, char fault[GBA_FAULT_SIZE]);

#endif
