/*
 * The octets of a connection of HTTP, over TLS or in plain: what has come, and what is to be
 * written
 *
 * An idle connection has no buffers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_IO_H
#define HTTP_IO_H

#include "net/tls_lines.h"
#include "server/connection.h"

#include <stdbool.h>
#include <stddef.h>

/* All zeros at first. */
struct http_io {
    char *in, *out;
    size_t in_length, out_length, out_sent;
};

/* Read behind what has come, which may be a whole request's size. IO_OK: something has come. */
enum io_status http_io_read(struct http_io *io, const struct connection *connection);

/* Cleanse so many octets of what has come, from its beginning on. */
void http_io_drop(struct http_io *io, size_t length);

/* Nothing is awaited soon: release the buffer for what comes, if it is empty. */
void http_io_release_empty(struct http_io *io);

/* To be written, behind what is not written yet. False: out of memory. */
bool http_io_add(struct http_io *io, const char *octets, size_t length);

/* Write what was added. IO_OK: all of it is written. */
enum io_status http_io_write(struct http_io *io, const struct connection *connection);

/* Cleanse and release. */
void http_io_free(struct http_io *io);

#endif
