/*
 * The form of a NAF_Id (AF_ID): FQDN, then the Ua security protocol identifier
 *
 * Each function returns NULL if the octets are well formed, else what is
 * wrong and what is wanted, to follow "<parameter>: " in an error text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_NAF_SYNTAX_H
#define AKMA_NAF_SYNTAX_H

#include <stddef.h>

/*
 * Host-name text of 1 to 253 octets: labels of letters, digits and hyphens, the last of them no
 * number (RFC 1123 2.1).
 */
const char *naf_fqdn_fault(const unsigned char *fqdn, size_t length);

/* Exactly 5 octets that do not read on as a host name (TS 33.220 Annex H). */
const char *naf_ua_protocol_fault(const unsigned char *identifier, size_t length);

/* The two together, 6 to 258 octets. */
const char *naf_id_fault(const unsigned char *naf_id, size_t length);

#endif
