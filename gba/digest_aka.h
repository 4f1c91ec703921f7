/*
 * HTTP Digest with AKA (RFC 3310, AKAv1-MD5): the BSF's challenge, the UE's response, the BSF's
 * proof
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DIGEST_AKA_H
#define DIGEST_AKA_H

#include "usim.h"

#define DIGEST_TEXT_SIZE  512 /* a realm, a nonce, an opaque */
#define DIGEST_SIZE       33  /* 32 hex digits and a NUL */
#define DIGEST_HEADER_MAX 4096
#define DIGEST_URI        "/"

struct digest_challenge {
    char realm[DIGEST_TEXT_SIZE], nonce[DIGEST_TEXT_SIZE], opaque[DIGEST_TEXT_SIZE];
    bool has_opaque, has_auth, has_auth_int, is_stale;
    unsigned char rand[USIM_RAND], autn[USIM_AUTN]; /* the nonce's beginning */
};

/* The UE's side of one exchange. */
struct digest_client {
    const char *username; /* IMPI */
    const char *realm;    /* of the BSF */
    char cnonce[DIGEST_SIZE];
};

/* Read the value of WWW-Authenticate. False: fault says why; what it quotes is filtered. */
bool digest_read_challenge(struct digest_challenge *challenge, const char *value, size_t length,
                           char fault[GBA_FAULT_SIZE]);

/* Authorization of the first request, which names the subscriber (TS 24.109 4.2). */
bool digest_first(char header[DIGEST_HEADER_MAX], const struct digest_client *client);

/* Authorization with AUTS and an empty password, for a resynchronisation (RFC 3310 3.4). */
bool digest_resynchronise(char header[DIGEST_HEADER_MAX], struct digest_client *client,
                          const struct digest_challenge *challenge,
                          const unsigned char auts[USIM_AUTS], char fault[GBA_FAULT_SIZE]);

/* Authorization with RES as the password. */
bool digest_respond(char header[DIGEST_HEADER_MAX], struct digest_client *client,
                    const struct digest_challenge *challenge, const struct usim_answer *answer,
                    char fault[GBA_FAULT_SIZE]);

/* Does Authentication-Info prove that the BSF sent this body? False: fault says why. */
bool digest_verify(const struct digest_client *client, const struct digest_challenge *challenge,
                   const struct usim_answer *answer, const char *value, size_t length,
                   const char *body, size_t body_length, char fault[GBA_FAULT_SIZE]);

#endif
