/*
 * What a ClientHello of TLS 1.3 offers: its PSK identities, and what it lacks for them
 *
 * For libssl's callback of the ClientHello. What is read lives as long as the ClientHello.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_OFFERS_H
#define PSK_OFFERS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define PSK_OFFERS_MAX 4

struct psk_offer {
    const unsigned char *octets; /* the identity */
    size_t length;               /* 1 to 65535 */
};

/* count 0: it offers no PSK. False: it is malformed, or offers more than PSK_OFFERS_MAX. */
bool psk_offers_read(SSL *ssl, struct psk_offer offers[PSK_OFFERS_MAX], size_t *count);

bool client_hello_offers_tls13(SSL *ssl);

/* What it lacks (RFC 8446 9.2): a sentence; NULL: nothing. */
const char *client_hello_lacks(SSL *ssl);

#endif
