/*
 * UTF-8 as RFC 3629 clause 4 defines it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character that text starts with, 1 to 4 octets, and its code point; 0 if there
 * is no well-formed one: overlong, a surrogate, above U+10FFFF, cut, or left is 0.
 */
size_t utf8_character(const char *text, size_t left, uint32_t *code_point);

/* True if all of the text is well formed; an empty one is. */
bool utf8_is_well_formed(const char *text, size_t length);

#endif
