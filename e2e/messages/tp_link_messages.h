/*
 * The lines of JSON on the link between NAF and third party
 *
 *     -> {"id":N,"identity":"<B-TID or A-KID>"[,"device":"<name>"],"ks-naf":"<64 hex digits>",
 *         "naf-fqdn":"<name>","ua-protocol-id":"<10 hex digits>","nonce":"<32 hex digits>"
 *         [,"not-after":<seconds since 1970>][,"ka-id":"<which Ka the UE has>"]}
 *     <- {"id":N, the flag's members}    {"id":N,"e2e":0}    {"id":N,"error":"<sentence>"}
 *     The sentence begins with "store: " or "ka: " where that, and not the third party, is at
 * fault.
 *
 *     -> {"id":N,"revoke":"<B-TID or A-KID>"}
 *     <- {"id":N,"revoked":true}         {"id":N,"error":"<sentence>"}
 *
 * Strict, as the lines of e2e_flag.h. N: an integer from 0 on, of the NAF's choice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_MESSAGES_H
#define TP_LINK_MESSAGES_H

#include "messages/e2e_flag.h"

#include <stdint.h>

#define TP_LINK_TEXT_SIZE  256 /* texts of at most 255 octets, and NUL */
#define TP_LINK_KEY_LENGTH 32
#define TP_LINK_UA_LENGTH  5

struct tp_link_request {
    int64_t id; /* -1: there is none that an answer could bear */
    bool is_revocation;
    char identity[TP_LINK_TEXT_SIZE];
    /* of a request for a flag */
    char device[TP_LINK_TEXT_SIZE]; /* empty: not known */
    char ka_id[TP_LINK_TEXT_SIZE];  /* empty: the one that counts */
    unsigned char ks_naf[TP_LINK_KEY_LENGTH];
    char naf_fqdn[TP_LINK_TEXT_SIZE];
    unsigned char ua_protocol_id[TP_LINK_UA_LENGTH];
    unsigned char nonce[NONCE_LENGTH];
    int64_t not_after; /* 0: not known */
};

enum tp_link_verdict { TP_LINK_FLAG, TP_LINK_ERROR, TP_LINK_REVOKED };
enum tp_link_culprit { TP_LINK_THIRD_PARTY, TP_LINK_STORE, TP_LINK_KA };

struct tp_link_answer {
    int64_t id;
    enum tp_link_verdict verdict;
    struct e2e_flag flag;        /* TP_LINK_FLAG */
    char error[JSON_FAULT_SIZE]; /* TP_LINK_ERROR: a sentence */
    enum tp_link_culprit culprit;
};

/* One line without its end, to be released with json_line_free(); NULL when out of memory. */
char *tp_link_request_encode(const struct tp_link_request *request);
char *tp_link_answer_encode(const struct tp_link_answer *answer);

/* Read a line; false: fault says what is wrong, perhaps with octets of the line. */
bool tp_link_request_decode(struct tp_link_request *request, const char *line, size_t length,
                            char fault[JSON_FAULT_SIZE]);
bool tp_link_answer_decode(struct tp_link_answer *answer, const char *line, size_t length,
                           char fault[JSON_FAULT_SIZE]);

#endif
