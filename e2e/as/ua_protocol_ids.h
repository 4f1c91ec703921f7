/*
 * The Ua security protocol identifiers of a NAF: one for AKMA, one for GBA; and in (D)TLS 1.2 that
 * of the cipher suite (TS 33.220 H.3)
 *
 * A UE does not name the protocol that its key was derived for; the prefix of its PSK identity does
 * name the system. So each system has one for TLS 1.3. No identifier serves two versions of TLS, so
 * that no key does (RFC 8446 E.7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UA_PROTOCOL_IDS_H
#define UA_PROTOCOL_IDS_H

#include "session/ue_service.h"

#include <stdbool.h>
#include <stddef.h>

#define UA_PROTOCOL_IDS_MAX (KEY_SYSTEMS + DTLS_CIPHERS_MAX)

/* What first connections speak. */
enum ua_versions { UA_TLS13, UA_TLS12_TOO, UA_DTLS12 };

/*
 * Read "[akma:|gba:]HEX" of each option, up to a NULL. Without a prefix it is for the systems that
 * are not named; the default is UA_PROTOCOL_ID. UA_BY_SUITE: that of the suite. suites:
 * of --dtls-ciphers. False: the reason went to standard error.
 */
bool ua_protocol_ids_read(struct ua_protocol_ids *ids, const char *const *given,
                          enum ua_versions versions, const struct dtls_suites *suites);

/*
 * What the keys of a devices file are for, as --ua-protocol-id was given. False: one key would have
 * to serve several protocols; fault says so.
 */
bool ua_protocol_ids_of_file(unsigned char file[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH],
                             const struct ua_protocol_ids *ids, const char *const *given,
                             enum ua_versions versions, const char **fault);

/* All that a first connection can have, each once; how many. system: KEY_SYSTEMS: of either. */
size_t ua_protocol_ids_all(unsigned char all[UA_PROTOCOL_IDS_MAX][AKMA_UA_PROTOCOL_ID_LENGTH],
                           const struct ua_protocol_ids *ids, enum ua_versions versions,
                           enum key_system system);

#endif
