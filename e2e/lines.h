/*
 * Lines over TLS on a socket that does not block
 *
 * Nothing is held while nothing is under way: an idle connection has no buffers here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINES_H
#define LINES_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_LENGTH 8192 /* octets of a line that is read, its end not counted */

enum lines_result {
    LINES_OK,
    LINES_WANT_READ, /* call again when the socket can be read */
    LINES_WANT_WRITE,
    LINES_END,      /* the other side has closed */
    LINES_TOO_LONG, /* no end of line within LINE_MAX_LENGTH */
    LINES_FAILED
};

/* Set to zero, but for ssl. */
struct lines {
    SSL *ssl;
    char *in, *out;
    size_t in_length, in_taken; /* of in: what was read, what was given away */
    size_t out_length, out_sent;
};

/* What a result means, as the end of a sentence. */
const char *lines_says(enum lines_result result);

/* What SSL_get_error() means for the result of a call of libssl. */
enum lines_result lines_outcome(const SSL *ssl, int result);

/* The next line, without its LF; it is good until the next call. */
enum lines_result lines_read(struct lines *lines, const char **line, size_t *length);

/* Has a line begun that is not complete? */
bool lines_has_begun(const struct lines *lines);

/* Add prefix, text and LF to what is to be written. False: out of memory. */
bool lines_add(struct lines *lines, const char *prefix, const char *text, size_t length);

/* Write what was added. LINES_OK: all of it is written. */
enum lines_result lines_write(struct lines *lines);

/* Octets that were added and are not yet written. */
size_t lines_unwritten(const struct lines *lines);

/* Cleanse and release the buffers. */
void lines_clear(struct lines *lines);

#endif
