/*
 * The two lines of JSON that open a connection: the UE's nonce, and the server's e2e flag
 *
 *     {"nonce":"<32 hex digits>"[,"device":"<the device's permanent name>"][,"ka-id":"<which Ka>"]}
 *     {"e2e":1,"mode":"3GPP","digest":"SHA2-256","refresh":"<hex>","usage":"tls-psk",
 *      "identity":"<what to present next>"[,"ka-id":"<which Ka>"]}      or      {"e2e":0}
 *
 * Strict: every member of the right type, none twice, none that is not listed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef E2E_FLAG_H
#define E2E_FLAG_H

#include "messages/json_line.h"

#include <stdbool.h>
#include <stddef.h>

/* The version of these lines, as ALPN on a first connection; a later one has another number. */
#define UA_ALPN_FAMILY "akma-e2e-ua/"
#define UA_ALPN        UA_ALPN_FAMILY "1"

#define E2E_USAGE "tls-psk" /* what e2e_key is for, unless an option says otherwise */

#define NONCE_LENGTH         16
#define NONCE_LINE_MAX_UDP   1024 /* octets of the UE's line over DTLS */
#define E2E_FLAG_REFRESH_MAX 255
#define E2E_FLAG_TEXT_MAX    256 /* octets of each text */
#define E2E_FLAG_DEVICE_MAX  255 /* octets, as in the devices file */
#define E2E_FLAG_FAULT_SIZE  JSON_FAULT_SIZE

struct nonce {
    unsigned char octets[NONCE_LENGTH];
    char device[E2E_FLAG_DEVICE_MAX + 1]; /* empty: not said */
    char ka_id[E2E_FLAG_DEVICE_MAX + 1];  /* which Ka the UE has; empty: not said */
};

struct e2e_flag {
    bool e2e; /* false: nothing below counts */
    char mode[E2E_FLAG_TEXT_MAX + 1], digest[E2E_FLAG_TEXT_MAX + 1], usage[E2E_FLAG_TEXT_MAX + 1];
    char identity[E2E_FLAG_TEXT_MAX + 1];
    char ka_id[E2E_FLAG_TEXT_MAX + 1]; /* empty: none */
    unsigned char refresh[E2E_FLAG_REFRESH_MAX];
    size_t refresh_length;
};

/* One line without its end, to be released with json_line_free(); NULL when out of memory. */
char *nonce_encode(const struct nonce *nonce);
char *e2e_flag_encode(const struct e2e_flag *flag);

/* Read a line; false: fault says what is wrong, perhaps with octets of the line. */
bool nonce_decode(struct nonce *nonce, const char *line, size_t length,
                  char fault[E2E_FLAG_FAULT_SIZE]);
bool e2e_flag_decode(struct e2e_flag *flag, const char *line, size_t length,
                     char fault[E2E_FLAG_FAULT_SIZE]);

/* The flag as an object, NULL when out of memory; and back, as above. */
json_t *e2e_flag_pack(const struct e2e_flag *flag);
bool e2e_flag_unpack(struct e2e_flag *flag, json_t *object, char fault[E2E_FLAG_FAULT_SIZE]);

#endif
