/*
 * The form of a property query
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PROPERTY_QUERY_H
#define AKMA_PROPERTY_QUERY_H

#include <stddef.h>

/*
 * What libcrypto can parse as a property query, property(7); nothing, too. NULL if it can, else
 * what is wrong and what is wanted. A fetch passes over a query that libcrypto cannot parse, as if
 * there were none: fips:yes would take any HMAC.
 */
const char *property_query_fault(const unsigned char *query, size_t length);

#endif
