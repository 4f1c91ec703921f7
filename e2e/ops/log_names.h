/*
 * Names of subscribers within a sentence that others wrote
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_NAMES_H
#define LOG_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The next word of a text that may name a subscriber: what has an @ (A-KID, B-TID, IMPI, NAI), or
 * five digits in a row (SUPI, MSISDN) other than those of a port. False: there is none. Else it
 * begins `before` octets from text, and has `length`.
 */
bool log_names_next(const char *text, size_t *before, size_t *length);

#endif
