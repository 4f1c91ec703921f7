/*
 * The parameters of an HTTP authentication header: name=value or name="value", with commas between
 * (RFC 7235 2.1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTH_PARAMS_H
#define AUTH_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

/* Where a wanted parameter is stored: a text of size octets with its NUL, without quotes and
 * escapes. */
struct auth_param {
    const char *name; /* in any case */
    char *text;
    size_t size;
    bool is_given;
};

/*
 * Read the wanted parameters, and skip others. False: the header is malformed, or a parameter is
 * given twice, is too long, or has a control character: *fault names it.
 */
bool auth_params_read(const char *value, size_t length, struct auth_param *params, size_t count,
                      const char **fault);

#endif
