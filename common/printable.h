/*
 * The one filter for text from a peer, a file or the command line on its way to a log or terminal
 *
 * What comes out is one line of well-formed UTF-8 that does nothing to a terminal. Every octet of
 * the following is written as \xNN, with capital hex digits:
 *
 * - control characters: C0 (ESC, LF and NUL among them), DEL, and C1 (U+0080 to U+009F);
 * - line and paragraph separators (U+2028, U+2029);
 * - what reorders, hides or joins text: soft hyphen, the bidirectional controls, zero-width
 *   characters, invisible operators, byte order mark, annotations, tags;
 * - what is not well-formed UTF-8 (RFC 3629);
 * - backslash and quotation mark, so that the form is unambiguous and a value can be quoted.
 *
 * Everything else stays as it is. A text that does not fit is cut between characters and ends in
 * "...".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>
#include <string.h>

#define PRINTABLE_SIZE 512 /* octets, with the NUL */

struct printable {
    char text[PRINTABLE_SIZE];
};

/* Filter length octets into shown, which has room for size (4 or more); shown is returned. */
const char *printable_octets(char *shown, size_t size, const char *text, size_t length);

/* Filter a text; NULL gives "(none)". */
const char *printable_text(struct printable *room, const char *text);

/* For an argument of printf(): the room lives as long as the enclosing block. */
#define PRINTABLE(text) printable_text(&(struct printable){{0}}, text)

/* The same for a path, shorter, so that the sentence around it is not cut. */
#define PRINTABLE_PATH_MAX 180 /* octets; then a sentence of 300 fits into a log value */
#define PRINTABLE_PATH(path) \
    printable_octets((char[PRINTABLE_PATH_MAX + 1]){0}, PRINTABLE_PATH_MAX + 1, path, strlen(path))

#endif
