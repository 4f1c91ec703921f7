/*
 * What each way to reach a USIM implements
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef USIM_KIND_H
#define USIM_KIND_H

#include "usim.h"

/* The functions of usim.h for one kind; state is what open() returned. keep_b_tid and derive are
 * NULL if no card of this kind does GBA. */
struct usim_kind {
    const char *prefix; /* of SPEC */
    void *(*open)(const char *place, const struct usim_settings *settings,
                  struct usim_identity *identity, char fault[GBA_FAULT_SIZE]);
    enum usim_result (*authenticate)(void *state, bool in_gba_context,
                                     const unsigned char rand[USIM_RAND],
                                     const unsigned char autn[USIM_AUTN],
                                     struct usim_answer *answer, char fault[GBA_FAULT_SIZE]);
    bool (*keep_b_tid)(void *state, const unsigned char rand[USIM_RAND], const char *b_tid,
                       const char *lifetime, char fault[GBA_FAULT_SIZE]);
    bool (*derive)(void *state, const unsigned char *naf_id, size_t length, const char *impi,
                   unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE]);
    void (*close)(void *state);
};

extern const struct usim_kind usim_milenage, usim_pcsc, usim_at;

#endif
