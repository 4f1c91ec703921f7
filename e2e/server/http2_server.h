/*
 * HTTP/2 (RFC 9113) on connections that were accepted: http_server.h's requests and replies
 *
 * Requests may come side by side, and are served one after the other. Their number, heads and
 * bodies are bounded as for HTTP/1.1; frames are nghttp2's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP2_SERVER_H
#define HTTP2_SERVER_H

#include "server/http_server.h"

/* Speak it from now on. False: out of memory. */
bool http2_start(struct http_connection *http);

/* Write and read what can be, and serve what is whole. The connection may be gone afterwards. */
void http2_run_requests(struct http_connection *http);

/* The reply to the request that is served. */
void http2_reply(struct http_connection *http, int status, const char *type, const char *body);

/* Take no more requests, and end when those that were begun have their replies. */
void http2_drain(struct http_connection *http);

/* Is a request begun that has no reply yet? */
bool http2_is_busy(const struct http_connection *http);

/* NULL is fine. */
void http2_free(struct http2 *http2);

#endif
