/*
 * What HTTP/1.1 and HTTP/2 share of a connection that was accepted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_PRIVATE_H
#define HTTP_SERVER_PRIVATE_H

#include "net/io_watch.h"
#include "server/http_server.h"

/* Read behind what has come, for which there is made room. IO_OK: something has come. */
enum io_status http_read_some(struct http_connection *http);

/* Write what was added. IO_OK: all of it is written. */
enum io_status http_write_all(struct http_connection *http);

/* To be written. False: out of memory. */
bool http_add(struct http_connection *http, const char *octets, size_t length);

/* From now on: --line-timeout, --idle-timeout. */
void http_set_deadline(struct http_connection *http, unsigned int seconds);

/* "Not Found"; empty: unknown. */
const char *http_phrase(int status);

const struct http_kind *http_kind_of(const struct http_connection *http);

#endif
