/*
 * The two lines of JSON that open a connection: the UE's nonce, and the server's e2e flag
 *
 *     {"nonce":"<32 hex digits>"}
 *     {"e2e":1,"mode":"3GPP","digest":"SHA2-256","refresh":"<hex>","usage":"tls-psk",
 *      "identity":"<what to present next>"[,"ka-id":"<which Ka>"]}      or      {"e2e":0}
 *
 * Strict: every member of the right type, none twice, none that is not listed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FLAG_H
#define FLAG_H

#include <stdbool.h>
#include <stddef.h>

#define NONCE_LENGTH     16
#define FLAG_REFRESH_MAX 255
#define FLAG_TEXT_MAX    256 /* octets of each text */
#define FLAG_FAULT_SIZE  200

struct flag {
    bool e2e; /* false: nothing below counts */
    char mode[FLAG_TEXT_MAX + 1], digest[FLAG_TEXT_MAX + 1], usage[FLAG_TEXT_MAX + 1];
    char identity[FLAG_TEXT_MAX + 1];
    char ka_id[FLAG_TEXT_MAX + 1]; /* empty: none */
    unsigned char refresh[FLAG_REFRESH_MAX];
    size_t refresh_length;
};

/* One line without its end, to be released with free(); NULL when out of memory. */
char *nonce_encode(const unsigned char nonce[NONCE_LENGTH]);
char *flag_encode(const struct flag *flag);

/* Read a line; false: fault says what is wrong. */
bool nonce_decode(unsigned char nonce[NONCE_LENGTH], const char *line, size_t length,
                  char fault[FLAG_FAULT_SIZE]);
bool flag_decode(struct flag *flag, const char *line, size_t length, char fault[FLAG_FAULT_SIZE]);

#endif
