/*
 * e2e_key for CoAP over DTLS, for libcoap_server.c and libcoap_client.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LIBCOAP_KEY_H
#define LIBCOAP_KEY_H

#include "e2e_key.h"

#include <stdbool.h>

#define LIBCOAP_KA_LENGTH 32 /* octets of Ka here; AKMA-E2E takes 16 to 65535 */

/* Ks_NAF, then Ka, as they come on standard input. */
struct libcoap_secrets {
    unsigned char ks_naf[E2E_KEY_LENGTH];
    unsigned char ka[LIBCOAP_KA_LENGTH];
};

/* False: there are too few octets. */
bool libcoap_secrets_read(struct libcoap_secrets *secrets);

/* Derive the key. False: there is none, and the reason was printed. */
bool libcoap_key(unsigned char key[E2E_KEY_LENGTH], const struct libcoap_secrets *secrets);

#endif
