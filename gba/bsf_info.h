/*
 * BootstrappingInfo: what the BSF says at the end (TS 24.109 annex C)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BSF_INFO_H
#define BSF_INFO_H

#include "usim.h"

#include <stdint.h>

#define BSF_INFO_TYPE     "application/vnd.3gpp.bsf+xml"
#define BSF_LIFETIME_SIZE 40

struct bsf_info {
    char b_tid[USIM_NAME_SIZE];
    char lifetime_text[BSF_LIFETIME_SIZE]; /* as the BSF wrote it */
    int64_t lifetime;                      /* seconds since 1970 UTC */
};

/*
 * Read the document. It must have no DTD and no entities, a btid of the form user@realm, and a
 * lifetime after now: an XML Schema date-time, in UTC if it names no zone. False: fault says why.
 */
bool bsf_info_read(struct bsf_info *info, const char *text, size_t length, int64_t now,
                   char fault[GBA_FAULT_SIZE]);

#endif
