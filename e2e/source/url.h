/*
 * URLs: which of them we take, and which are of one origin
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>

/* Is this an https URL with a host, and without user, query and fragment? */
bool url_is_plain(const char *text);

/*
 * Have two URLs the same scheme, host and port (RFC 6454)? False for what is no https URL, and for
 * one with a user or a password: curl would send them.
 */
bool url_same_origin(const char *one, const char *other);

#endif
