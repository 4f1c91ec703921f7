/*
 * Which of the PSK identities that a UE presents is known, without blocking
 *
 * The callback looks identities up, one after the other, and pauses the handshake meanwhile. At
 * most four are checked. If none is known the handshake continues with a key made of the first
 * identity and a secret of this process: the binder then fails as with a wrong key, and nobody
 * learns which identities exist. After a HelloRetryRequest the answer is there already.
 *
 * In (D)TLS 1.2 there is one identity, and it comes later: in the ClientKeyExchange, when the suite
 * is known. libssl asks for its key in the middle of the handshake, which pauses as a job of
 * libcrypto's (ASYNC_pause_job).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PSK_LOOKUP_H
#define PSK_LOOKUP_H

#include "session/ue.h"

/*
 * Set the callbacks of a context for UEs, and those for TLS 1.2 if the context allows it. The app
 * data of each SSL is its struct connection.
 */
void psk_lookup_set_up(SSL_CTX *ctx);

/* The same for a context for DTLS. */
void psk_lookup_set_up_dtls(SSL_CTX *ctx);

/* The handshake pauses as a job: look up what it pauses for. As find_key of connection.h. */
bool psk_lookup_find_key(struct connection *connection);

/* What was found; UE_NOBODY while the look-up is under way. */
const struct ue_claim *psk_lookup_claim(const struct psk_lookup *lookup);

/* The claimed identity, and why it could not be looked up; lookup: NULL is fine. */
void psk_lookup_explain(const struct psk_lookup *lookup, struct refusal_facts *facts);

/* Move what was found to claim, and release the rest. */
void psk_lookup_finish(struct psk_lookup *lookup, struct ue_claim *claim);

/* Cancel what is under way, cleanse and release; NULL is fine. */
void psk_lookup_free(struct psk_lookup *lookup);

#endif
