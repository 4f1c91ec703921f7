/*
 * What a USIM is asked, in APDUs (TS 31.102, TS 31.103, TS 102 221), over whatever carries them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APDU_H
#define APDU_H

#include "usim.h"

#define APDU_COMMAND_MAX 261 /* header, Lc, 255 octets, Le */
#define APDU_ANSWER_MAX  258 /* 256 octets, SW1 and SW2 */

/* A command and its answer. False: fault says why there is none. */
typedef bool apdu_transmit(void *carrier, const unsigned char *command, size_t length,
                           unsigned char answer[APDU_ANSWER_MAX], size_t *answered,
                           char fault[GBA_FAULT_SIZE]);

/*
 * Read the first octets of a transparent file of the USIM without selecting it, if the carrier can
 * do so (AT+CRSM). False: it cannot, so the file has to be selected and read.
 */
typedef bool apdu_read_file(void *carrier, unsigned int file, unsigned char *octets, size_t length);

struct apdu {
    apdu_transmit *transmit;
    apdu_read_file *read_file; /* NULL: it never can */
    void *carrier;
    const atomic_bool *ends; /* this and the next: as struct usim_settings has them */
    bool *pin_refused;
    bool is_t1; /* send Le after data, too; with T=0, GET RESPONSE fetches the answer instead */
    unsigned char usim[16], isim[16]; /* AIDs; the ISIM's is empty if there is none */
    size_t usim_length, isim_length;
};

/* Is it to end? */
bool apdu_ends(const struct apdu *apdu);

/* Find the applications, verify the PIN if one is wanted, and read who the subscriber is. */
bool apdu_open(struct apdu *apdu, const char *pin, struct usim_identity *identity,
               char fault[GBA_FAULT_SIZE]);

/* The functions of usim_kind.h; the state is a structure that begins with a struct apdu. */
enum usim_result apdu_authenticate(void *state, bool in_gba_context,
                                   const unsigned char rand[USIM_RAND],
                                   const unsigned char autn[USIM_AUTN], struct usim_answer *answer,
                                   char fault[GBA_FAULT_SIZE]);
bool apdu_keep_b_tid(void *state, const unsigned char rand[USIM_RAND], const char *b_tid,
                     const char *lifetime, char fault[GBA_FAULT_SIZE]);
bool apdu_derive(void *state, const unsigned char *naf_id, size_t length, const char *impi,
                 unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE]);

#endif
