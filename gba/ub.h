/*
 * Ub: the bootstrapping of a UE with the BSF over HTTP (TS 33.220 4.5.2, TS 24.109 4)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UB_H
#define UB_H

#include "bsf_info.h"
#include "usim.h"

#define UB_BODY_MAX ((size_t)16 * 1024) /* octets of a body, and of all headers */

struct ub_settings {
    const char
        *url; /* http:// or https://, with a host and without user, path, query and fragment */
    const char *ca; /* file of CAs in PEM for https; NULL: the system's */
    const char *impi;
    unsigned int timeout_ms;
    const atomic_bool *ends; /* once it is true, the exchange fails within a second; NULL: never */
    void (*note)(const char *sentence); /* called for what belongs in a log; NULL: not wanted */
};

/* The result of a bootstrapping. Ks is secret: cleanse it. */
struct ub_result {
    struct bsf_info info;
    unsigned char rand[USIM_RAND];
    unsigned char ks[USIM_KEY]; /* CK || IK */
    bool has_ks;                /* false: it stays on the card */
};

/* Call it once in a process, before any thread is started. */
bool ub_start(void);

/* Run it once. Blocks for timeout_ms at the most. False: fault says why, and nothing is in result.
 */
bool ub_run(struct usim *usim, const struct ub_settings *settings, struct ub_result *result,
            char fault[GBA_FAULT_SIZE]);

#endif
