/*
 * The forms of a subscriber's identities: SUPI and IMPI
 *
 * Each function returns NULL if the octets have the form, else what is wrong and what is wanted,
 * to follow "<parameter>: " in an error text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_SUBSCRIBER_H
#define AKMA_SUBSCRIBER_H

#include <stddef.h>

/* 5 to 15 digits (an IMSI), or a NAI: what TS 33.501 A.7.0 puts into S. */
const char *supi_fault(const unsigned char *supi, size_t length);

/* user@realm: TS 23.003 13.3. */
const char *impi_fault(const unsigned char *impi, size_t length);

#endif
