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
    void (*note)(const char *sentence); /* called for what belongs in a log; NULL: not wanted */
};

#define BOOTSTRAP_NAF_KEYS_MAX 9

/* The NAF that Ks_NAF is for, and the Ua security protocols: one key for each. */
struct bootstrap_naf {
    const char *fqdn;
    size_t count;
    unsigned char ua_protocol_ids[BOOTSTRAP_NAF_KEYS_MAX][5];
};

/*
 * Run Ub once, and keep the result in the state file. Unless naf and keys are NULL, keys get Ks_NAF
 * by the module's GBA-KS-NAF, or Ks_ext_NAF from a card that does GBA. Blocks. False: fault says
 * why; the state file is unchanged, unless only Ks_NAF failed.
 */
bool bootstrap_run(const struct bootstrap_settings *settings, struct gba_state *state,
                   const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                   char fault[GBA_FAULT_SIZE]);

/*
 * Use what the state file holds, if it belongs to the present card and has not expired. False:
 * fault says why it cannot be used: bootstrap again.
 */
bool bootstrap_resume(const struct bootstrap_settings *settings, struct gba_state *state,
                      const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                      char fault[GBA_FAULT_SIZE]);

#endif
