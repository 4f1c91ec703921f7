/*
 * The ClientHello: which of its PSK identities is known, without blocking
 *
 * The callback looks identities up, one after the other, and pauses the handshake meanwhile. At
 * most four are looked at. Where none is known the handshake goes on with a key made of the first
 * identity and a secret of this process: the binder then fails as with a wrong key, and nobody
 * learns which identities exist. After a HelloRetryRequest the answer is there already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELLO_H
#define HELLO_H

#include "session/ue.h"

/* Have a context for UEs use the callbacks; the app data of each SSL is its struct connection. */
void hello_set_up(SSL_CTX *ctx);

/* What was found so far; nobody's while it is looked for. */
const struct ue_claim *hello_claim(const struct hello *hello);

/* Move what was found to where it belongs; the rest is released. */
void hello_finish(struct hello *hello, struct ue_claim *claim);

/* Cancel what is under way, cleanse and release; NULL is fine. */
void hello_free(struct hello *hello);

#endif
