/*
 * What an operator answers to the question for a key: an application key (TS 29.522 5.14,
 * TS 29.535) or bootstrapping information (TS 29.309), and its errors (RFC 9457)
 *
 * Strict in every member that is used: its type, its form, its presence, none twice; an optional
 * one that is null is absent. What nobody needs is passed over, as TS 29.501 asks for of later
 * versions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KEY_ANSWER_H
#define KEY_ANSWER_H

#include "devices.h"
#include "messages/identity.h"

#include <akma/kdf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_ANSWER_FAULT_SIZE   240
#define KEY_ANSWER_PROBLEM_SIZE 400

/* What can name the device in an answer, the one that an application may know best first. */
enum key_name { KEY_NAME_GPSI, KEY_NAME_SUPI, KEY_NAME_IMPI, KEY_NAMES, KEY_NAME_NONE };

/* Which key: whose, and for which Ua security protocol (TS 33.220 H.3). */
struct key_wanted {
    enum key_system system;
    const char *identity; /* B-TID or A-KID */
    unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH];
};

/* An order of them, first by whose they are. */
int key_wanted_compare(const struct key_wanted *one, const struct key_wanted *other);

/* ... by that alone. */
int key_wanted_compare_owners(const struct key_wanted *one, const struct key_wanted *other);

struct given_key {
    bool given;
    unsigned char octets[KS_NAF_LENGTH];
};

struct key_answer {
    struct given_key ks_naf;          /* kaf, or meKeyMaterial: Ks_NAF, Ks_ext_NAF; always given */
    struct given_key ks_int_naf;      /* uiccKeyMaterial */
    int64_t not_after;                /* expiry, keyExpiryTime: seconds since 1970 UTC, or below */
    char device[DEVICE_TEXT_MAX + 1]; /* empty: an anonymous answer */
    bool is_failure;                  /* there is none of these: the operator refuses the key */
};

#define KEY_ANSWER_NO_END INT64_MAX

/*
 * Read the body of an answer with status 200: AkmaAfKeyData of NEF and AAnF alike for AKMA,
 * BootstrappingInfoResponse for GBA. name names the device, KEY_NAMES: the
 * first that is there, KEY_NAME_NONE: none is used. False: fault says which member is wrong,
 * without a secret, and nothing is in answer but is_failure: it is a sound one, and has no kaf.
 */
bool key_answer_read(struct key_answer *answer, enum key_system system, enum key_name name,
                     const char *content_type, const char *body, size_t length,
                     char fault[KEY_ANSWER_FAULT_SIZE]);

/*
 * Read the body of an error: status, cause and detail of application/problem+json, or error and
 * error_description of a token server's application/json (RFC 6749 5.2). The text is the sender's:
 * it goes through the log's filter. Empty if there is nothing to read.
 */
void key_answer_problem(const char *content_type, const char *body, size_t length,
                        char problem[KEY_ANSWER_PROBLEM_SIZE]);

/* Is the body of an error application/problem+json with a cause? */
bool key_answer_has_cause(const char *content_type, const char *body, size_t length);

/* Is this type, with parameters or without, what is wanted? NULL is none. */
bool key_answer_is(const char *content_type, const char *wanted);

#endif
