/*
 * Domain names of a mobile network (TS 23.003 clause 13.2 and annex D)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HOME_NETWORK_H
#define HOME_NETWORK_H

/*
 * A name must have no empty label, and under 3gppnetwork.org mnc<MNC>.mcc<MCC> in front of that,
 * with three digits each. NULL: it is well formed; else what is wanted, to follow "must be ".
 */
const char *home_network_fault(const char *domain);

/* The same for the text after the @ of a NAI, such as an IMPI. */
const char *home_network_nai_fault(const char *nai);

#endif
