/*
 * The lines of JSON between NAF and third party
 *
 *     -> {"id":N,"identity":"<B-TID or A-KID>"[,"device":"<name>"],"ks-naf":"<64 hex digits>",
 *         "naf-fqdn":"<name>","ua-protocol-id":"<10 hex digits>","nonce":"<32 hex digits>"
 *         [,"not-after":<seconds since 1970>]}
 *     <- {"id":N, the flag's members}    {"id":N,"e2e":0}    {"id":N,"error":"<sentence>"}
 *
 *     -> {"id":N,"revoke":"<B-TID or A-KID>"}
 *     <- {"id":N,"revoked":true}         {"id":N,"error":"<sentence>"}
 *
 * Strict, as the lines of flag.h. N: an integer from 0 on, of the NAF's choice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_MESSAGES_H
#define LINE_MESSAGES_H

#include "messages/flag.h"

#include <stdint.h>

#define LINE_TEXT_SIZE  256 /* texts of at most 255 octets, and NUL */
#define LINE_KEY_LENGTH 32
#define LINE_UA_LENGTH  5

struct line_request {
    int64_t id; /* -1: there is none that an answer could bear */
    bool is_revocation;
    char identity[LINE_TEXT_SIZE];
    /* of a request for a flag */
    char device[LINE_TEXT_SIZE]; /* empty: not known */
    unsigned char ks_naf[LINE_KEY_LENGTH];
    char naf_fqdn[LINE_TEXT_SIZE];
    unsigned char ua_protocol_id[LINE_UA_LENGTH];
    unsigned char nonce[NONCE_LENGTH];
    int64_t not_after; /* 0: not known */
};

enum line_verdict { LINE_FLAG, LINE_ERROR, LINE_REVOKED };

struct line_answer {
    int64_t id;
    enum line_verdict verdict;
    struct flag flag;            /* LINE_FLAG */
    char error[JSON_FAULT_SIZE]; /* LINE_ERROR */
};

/* One line without its end, to be released with json_line_free(); NULL when out of memory. */
char *line_request_encode(const struct line_request *request);
char *line_answer_encode(const struct line_answer *answer);

/* Read a line; false: fault says what is wrong, perhaps with octets of the line. */
bool line_request_decode(struct line_request *request, const char *line, size_t length,
                         char fault[JSON_FAULT_SIZE]);
bool line_answer_decode(struct line_answer *answer, const char *line, size_t length,
                        char fault[JSON_FAULT_SIZE]);

#endif
