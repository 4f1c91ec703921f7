/*
 * Bootstrapping as a whole: a card, a BSF, a state file, and Ks_NAF for a NAF
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BOOTSTRAP_H
#define BOOTSTRAP_H

#include "state.h"
#include "ub.h"

#define GBA_FAULT_SIZE     500
#define BOOTSTRAP_BSF_AUTO "auto"

struct bootstrap_settings {
    struct usim_settings usim;
    const char
        *bsf; /* a URL, or BOOTSTRAP_BSF_AUTO: the subscriber's own (TS 23.003 16.2), by https */
    const char *ca;    /* file of CAs in PEM; NULL: the system's */
    const char *impi;  /* NULL: the ISIM's, or made from the IMSI */
    const char *state; /* file */
    unsigned int timeout_ms;
    void (*note)(const char *sentence); /* what is worth a line in a log; NULL: nobody asks */
};

#define BOOTSTRAP_NAF_KEYS_MAX 9

/* The NAF that Ks_NAF is for, and the Ua security protocols: one key for each. */
struct bootstrap_naf {
    const char *fqdn;
    size_t count;
    unsigned char ua_protocol_ids[BOOTSTRAP_NAF_KEYS_MAX][5];
};

/*
 * Run Ub once, and keep what it left in the state file. naf and keys may be NULL; else keys get
 * Ks_NAF (Ks_ext_NAF of a card that does GBA) by the module's GBA-KS-NAF. Blocks. False: fault says
 * why, and the state file is as it was, but when only Ks_NAF failed.
 */
bool bootstrap_run(const struct bootstrap_settings *settings, struct gba_state *state,
                   const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                   char fault[GBA_FAULT_SIZE]);

/*
 * Take up what the state file holds, if it is of the card that is there and has not ended. False:
 * there is nothing to take up, and fault says why: bootstrap.
 */
bool bootstrap_resume(const struct bootstrap_settings *settings, struct gba_state *state,
                      const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                      char fault[GBA_FAULT_SIZE]);

#endif
