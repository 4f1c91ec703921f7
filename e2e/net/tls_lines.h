/*
 * Lines over TLS on a socket that does not block
 *
 * Over DTLS a line is one datagram, without its end.
 *
 * Nothing is held while nothing is under way: an idle connection has no buffers here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TLS_LINES_H
#define TLS_LINES_H

#include "net/out_queue.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_MAX_LENGTH 8192 /* octets of a line that is read, its end not counted */

enum io_status {
    IO_OK,
    IO_WANT_READ, /* call again when the socket can be read */
    IO_WANT_WRITE,
    IO_WANT_EITHER,
    IO_PAUSED,   /* waiting for an asynchronous answer, not for the socket */
    IO_EOF,      /* the other side has closed */
    IO_TOO_LONG, /* no end of line within so many octets */
    IO_ERROR
};

/* Set to zero, but for ssl, and max if it is another one. */
struct tls_lines {
    SSL *ssl;
    size_t max; /* octets of a line that is read; 0: LINE_MAX_LENGTH */
    char *in;
    size_t in_length, in_taken; /* of in: what was read, what was given away */
    struct out_queue out;
};

/* Will nothing more be read or written? */
bool io_has_ended(enum io_status status);

/* What a result means, as the end of a sentence. */
const char *io_status_text(enum io_status result);

/* What SSL_get_error() means for the result of a call of libssl. */
enum io_status io_status_of_ssl(const SSL *ssl, int result);

/* The next line, without its LF; it is valid until the next call. */
enum io_status tls_lines_read(struct tls_lines *lines, const char **line, size_t *length);

/* Has a line begun that is not complete? */
bool tls_lines_has_begun(const struct tls_lines *lines);

/* Add prefix, text and LF to what is to be written. False: out of memory. */
bool tls_lines_add(struct tls_lines *lines, const char *prefix, const char *text, size_t length);

/* Write what was added. IO_OK: all of it is written. */
enum io_status tls_lines_write(struct tls_lines *lines);

/* Octets that were added and are not yet written. */
size_t tls_lines_unwritten(const struct tls_lines *lines);

/* Cleanse and release the buffers. */
void tls_lines_clear(struct tls_lines *lines);

#endif
