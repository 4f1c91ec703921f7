/*
 * Text: well-formed UTF-8, and names of ASCII whose case does not count
 *
 * The rules are the module's own, so that two ends with different libcryptos agree. Two ends that
 * see the same text must derive the same key, so a text holds nothing that cannot be seen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_UTF8_H
#define AKMA_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8 by the syntax of RFC 3629 clause 4: no overlong forms, no surrogates, nothing above
 * U+10FFFF; and no NUL, no control character, no format character, line separator or noncharacter.
 * NULL if the octets are such a text, else what is wrong with the first character that is not, and
 * what is wanted.
 */
const char *utf8_fault(const unsigned char *text, size_t length);

/* The code point of that character; false if it is a NUL, malformed, or there is none. */
bool utf8_find_unseen(const unsigned char *text, size_t length, uint32_t *character);

/* True if a well-formed text holds a blank: a space of any width (Unicode's category Zs). */
bool utf8_has_blank(const unsigned char *text, size_t length);

/*
 * Octets of the character that a text of one octet or more starts with, by the same rules; 0 if it
 * starts with none.
 */
size_t utf8_character(const unsigned char *text, size_t length);

/* The code point of a well-formed character of so many octets (RFC 3629 clause 3). */
uint32_t utf8_code_point(const unsigned char *character, size_t length);

/* An ASCII capital as the small letter; everything else as it is. */
char ascii_lower(char c);

/* True if both are the same but for the case of ASCII letters. */
bool ascii_same(const char *one, const char *other, size_t length);

/* The same, of a whole string and a name of this length. */
bool ascii_is(const char *known, const char *name, size_t length);

#endif
