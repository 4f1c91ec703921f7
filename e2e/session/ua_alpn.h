/*
 * The version of the protocol of a first connection, by ALPN
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UA_ALPN_H
#define UA_ALPN_H

#include <openssl/ssl.h>

/*
 * Have a context for UEs agree on UA_ALPN if a first connection offers it. Other versions of it
 * alone are refused with no_application_protocol, and the log says so; everything else continues as
 * if nothing had been offered. The app data of each SSL is its struct connection.
 */
void ua_alpn_set_up(SSL_CTX *ctx);

#endif
