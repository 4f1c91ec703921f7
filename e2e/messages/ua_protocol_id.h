/*
 * The Ua security protocol identifier that a key is derived for (TS 33.220 H.2): of TLS 1.3, or of
 * a cipher suite of (D)TLS 1.2
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UA_PROTOCOL_ID_H
#define UA_PROTOCOL_ID_H

#include "net/dtls.h"

#include <akma/kdf.h>
#include <stdbool.h>
#include <stdint.h>

#define UA_PROTOCOL_ID "0100000007" /* TLS 1.3 with a shared key: TS 33.220 H.3 */
#define UA_BY_SUITE    "suite"      /* in place of an identifier */

/* Why a key that is derived already must be for one protocol, whichever program has it. */
#define UA_FAULT_SUITES                                                                           \
    "--ua-protocol-id " UA_BY_SUITE                                                               \
    ": a key of the devices file is good for one cipher suite: --dtls-ciphers must name exactly " \
    "one"
#define UA_FAULT_VERSIONS                                                                      \
    "--tls-min 1.2: a key of the devices file is good for one version of TLS (RFC 8446 E.7): " \
    "--ua-protocol-id " UA_BY_SUITE                                                            \
    " says that it is for TLS 1.2 and the one suite of --dtls-ciphers"

/*
 * The identifier that an option has in hex: of one of these suites for DTLS 1.2, or, without any
 * (NULL), for TLS 1.3. So it is never good for both: no key serves two versions (RFC 8446 E.7),
 * whichever processes have it. False: the reason, behind
 * --ua-protocol-id, went to standard error.
 */
bool ua_protocol_id_read(unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH], const char *hex,
                         const struct dtls_suites *suites);

/* That of a suite: 01 00 01 yy zz (TS 33.220 H.3, TS 33.222 5.4). */
void ua_protocol_id_of_suite(unsigned char id[AKMA_UA_PROTOCOL_ID_LENGTH], uint16_t suite);

#endif
