/*
 * Lines over TLS on a socket that does not block
 *
 * Nothing is held while nothing is under way: an idle connection has no buffers here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_H
#define WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_LENGTH 8192 /* octets of a line that is read, its end not counted */

enum wire_result {
    WIRE_OK,
    WIRE_WANT_READ, /* call again when the socket can be read */
    WIRE_WANT_WRITE,
    WIRE_WANT_EITHER,
    WIRE_PAUSED,   /* what an answer is waited for, the socket says nothing about */
    WIRE_END,      /* the other side has closed */
    WIRE_TOO_LONG, /* no end of line within LINE_MAX_LENGTH */
    WIRE_FAILED
};

/* Set to zero, but for ssl. */
struct wire {
    SSL *ssl;
    char *in, *out;
    size_t in_length, in_taken; /* of in: what was read, what was given away */
    size_t out_length, out_sent, out_size;
};

/* What a result means, as the end of a sentence. */
const char *wire_says(enum wire_result result);

/* What SSL_get_error() means for the result of a call of libssl. */
enum wire_result wire_outcome(const SSL *ssl, int result);

/* The next line, without its LF; it is good until the next call. */
enum wire_result wire_read(struct wire *wire, const char **line, size_t *length);

/* Has a line begun that is not complete? */
bool wire_has_begun(const struct wire *wire);

/* Add prefix, text and LF to what is to be written. False: out of memory. */
bool wire_add(struct wire *wire, const char *prefix, const char *text, size_t length);

/* Write what was added. WIRE_OK: all of it is written. */
enum wire_result wire_write(struct wire *wire);

/* Octets that were added and are not yet written. */
size_t wire_unwritten(const struct wire *wire);

/* Cleanse and release the buffers. */
void wire_clear(struct wire *wire);

#endif
