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

/* The NAF that Ks_NAF is for. */
struct bootstrap_naf {
    const char *fqdn;
    unsigned char ua_protocol_id[5];
};

/*
 * Run Ub once, and keep what it left in the state file. naf and key may be NULL; else key gets
 * Ks_NAF (Ks_ext_NAF of a card that does GBA) by the module's GBA-KS-NAF. Blocks. False: fault says
 * why, and the state file is as it was, but when only Ks_NAF failed.
 */
bool bootstrap_run(const struct bootstrap_settings *settings, struct gba_state *state,
                   const struct bootstrap_naf *naf, unsigned char key[USIM_KEY],
                   char fault[GBA_FAULT_SIZE]);

/*
 * Take up what the state file holds, if it is of the card that is there and has not ended. False:
 * there is nothing to take up, and fault says why: bootstrap.
 */
bool bootstrap_resume(const struct bootstrap_settings *settings, struct gba_state *state,
                      const struct bootstrap_naf *naf, unsigned char key[USIM_KEY],
                      char fault[GBA_FAULT_SIZE]);

#endif
