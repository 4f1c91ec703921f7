/*
 * What a test says over TLS, one step after the other: every step has a time limit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STREAM_H
#define STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define STREAM_LINE_MAX   8192                   /* octets of a line, its end not counted */
#define STREAM_ANSWER_MAX (STREAM_LINE_MAX + 16) /* what comes back has a prefix */
#define STREAM_SECONDS    10 /* a handshake or a line has to be complete within */

enum stream_result { STREAM_OK, STREAM_END, STREAM_TIMEOUT, STREAM_TOO_LONG, STREAM_FAILED };

/* What a result means, as the end of a sentence. */
const char *stream_says(enum stream_result result);

/* The handshake, of a side that was chosen before. */
enum stream_result stream_handshake(SSL *ssl);

/* Read one line, without its LF. */
enum stream_result stream_read_line(SSL *ssl, char line[STREAM_ANSWER_MAX + 1], size_t *length);

/* Write prefix, text and LF at once; text of at most STREAM_LINE_MAX octets. */
enum stream_result stream_write_line(SSL *ssl, const char *prefix, const char *text, size_t length);

/* A socket of a numeric IPv4 HOST:PORT that does not block; -1: it cannot be had. */
int stream_connect(const char *address);

#endif
