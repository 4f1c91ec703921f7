/*
 * The Ua security protocol identifiers of a NAF: one for AKMA, one for GBA (TS 33.220 H.3)
 *
 * A UE does not name the protocol that its key was derived for; the prefix of its PSK identity does
 * name the system. So each system has one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UA_PROTOCOL_IDS_H
#define UA_PROTOCOL_IDS_H

#include "messages/identity.h"
#include "net/dtls.h"

#include <akma/kdf.h>
#include <stdbool.h>

/*
 * Read "[akma:|gba:]HEX" of each option, up to a NULL. Without a prefix it is for the systems that
 * are not named; the default is UA_PROTOCOL_ID. DTLS_UA_BY_SUITE: that of the one suite of
 * suites, for every system. False: the reason went to standard error.
 */
bool ua_protocol_ids_read(unsigned char ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH],
                          const char *const *given, const struct dtls_suites *suites);

#endif
