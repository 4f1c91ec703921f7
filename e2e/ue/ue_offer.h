/*
 * What a UE offers in the ClientHello of each of its connections
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_OFFER_H
#define UE_OFFER_H

#include "ue/client_setup.h"

/*
 * A first connection: Ks_NAF for each protocol of the setup, the server's name, and the version of
 * what is said (UA_ALPN). False: libssl could not take it, and its error says why.
 */
bool ue_offer_ks_naf(SSL *ssl, const struct client_setup *setup);

/* Which of the setup's protocols a first connection speaks, after the handshake. */
size_t ue_offer_protocol(const SSL *ssl, const struct client_setup *setup);

/* An e2e connection: TLS 1.3, or DTLS 1.2. False: as above. */
bool ue_offer_e2e_key(SSL *ssl, const char *identity, const unsigned char key[E2E_KEY_LENGTH]);

#endif
