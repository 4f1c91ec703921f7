/*
 * Names that follow from an IMSI (TS 23.003)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NAMES_H
#define NAMES_H

#include "usim.h"

/* The IMPI: the ISIM's, or <IMSI>@ims.mnc<MNC>.mcc<MCC>.3gppnetwork.org (13.3). False: it does not
 * fit. */
bool names_impi(char impi[USIM_NAME_SIZE], const struct usim_identity *identity);

/* bsf.mnc<MNC>.mcc<MCC>.pub.3gppnetwork.org (16.2) */
bool names_bsf(char bsf[USIM_NAME_SIZE], const struct usim_identity *identity);

/* Is this a domain name, of a mobile network as TS 23.003 has it? NULL, or what follows "must be ".
 */
const char *names_domain_fault(const char *domain);

/* The same for user@realm, such as an IMPI or a B-TID: printable, one @, no blank. */
const char *names_nai_fault(const char *nai);

#endif
