/*
 * A USIM: who the subscriber is, and AKA
 *
 * It is a card in a reader, a card behind a modem, or a test subscriber in a file; callers do not
 * see which. Each call blocks for some hundred milliseconds, so use a separate thread. Each
 * AUTHENTICATE advances the card's SQN, so use it only with challenges from the configured BSF.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef USIM_H
#define USIM_H

#include "fault.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define USIM_IMSI_SIZE 16  /* 6 to 15 digits (TS 23.003 2.2) */
#define USIM_NAME_SIZE 256 /* an IMPI, a domain */
#define USIM_RAND      16
#define USIM_AUTN      16
#define USIM_AUTS      14
#define USIM_RES_MAX   16
#define USIM_KEY       32 /* CK || IK; Ks_ext_NAF */

/* What a card says about its subscriber. */
struct usim_identity {
    char imsi[USIM_IMSI_SIZE];
    unsigned int mnc_length;     /* 2 or 3 digits (EF_AD) */
    char impi[USIM_NAME_SIZE];   /* of the ISIM; empty: there is none */
    char domain[USIM_NAME_SIZE]; /* of the ISIM; empty: there is none */
    bool does_gba;               /* EF_UST service 68: Ks stays on the card (GBA_U) */
};

enum usim_result {
    USIM_DONE,
    USIM_AUTS_WANTED, /* SQN is out of range: auts resynchronises the network */
    USIM_FAILED       /* fault says why; the network may be refused */
};

/* What AKA gives. Holds secrets: cleanse it. */
struct usim_answer {
    unsigned char res[USIM_RES_MAX], ck_ik[USIM_KEY], auts[USIM_AUTS];
    size_t res_length; /* 4 to 16 octets (TS 33.102 6.3.3) */
    bool has_keys;     /* false: CK and IK stay on the card */
};

struct usim;

/* The PIN of the card: 4 to 8 digits, or NULL. It is tried once, and not at all if one try is
 * left. */
struct usim_settings {
    const char *spec; /* pcsc:[READER], at:/dev/TTY or milenage:FILE */
    const char *pin;
    const atomic_bool *ends; /* once it is true, calls fail within a moment; NULL: never */
    bool *pin_refused; /* set when a card refuses the PIN; while it is set, no PIN is tried. NULL:
                          the card is opened only once */
};

/* Open what SPEC names. NULL: fault says why, and what to do. */
struct usim *usim_open(const struct usim_settings *settings, char fault[GBA_FAULT_SIZE]);

/* Who the subscriber is, read once when the card was opened. */
const struct usim_identity *usim_identity(const struct usim *usim);

/* AKA: in the GBA context if the card does GBA, else in the 3G context (TS 31.102 7.1.1). */
enum usim_result usim_authenticate(struct usim *usim, const unsigned char rand[USIM_RAND],
                                   const unsigned char autn[USIM_AUTN], struct usim_answer *answer,
                                   char fault[GBA_FAULT_SIZE]);

/* Write EF_GBABP (TS 31.102 4.2.79), which a card that does GBA needs before it derives. */
bool usim_keep_b_tid(struct usim *usim, const unsigned char rand[USIM_RAND], const char *b_tid,
                     const char *lifetime, char fault[GBA_FAULT_SIZE]);

/* Ks_ext_NAF from the card that did the last bootstrapping in its GBA context; naf_id as
 * AKMA_PARAM_NAF_ID. */
bool usim_derive(struct usim *usim, const unsigned char *naf_id, size_t length, const char *impi,
                 unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE]);

/* NULL is fine. */
void usim_close(struct usim *usim);

#endif
