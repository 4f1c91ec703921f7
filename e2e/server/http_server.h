/*
 * HTTP on connections that were accepted: one request after the other, each with its reply
 *
 * HTTP/1.1, and HTTP/2 if the client has chosen it (ALPN "h2"). A kind of connection whose ctx
 * is NULL speaks HTTP/1.1 in plain. Every request has --line-timeout to be
 * complete, and --idle-timeout to begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "messages/http_request.h"
#include "server/connection.h"
#include "server/http_io.h"

struct http2;
struct http_connection;

struct http_kind {
    /* of size sizeof(struct http_connection), with the functions below */
    struct connection_kind kind;
    const char *allowed; /* methods, for a reply 405 */
    bool is_single;      /* a connection has one request */
    /* Reply to a request with http_reply(), now or later. */
    void (*serve)(struct http_connection *http, const struct received_request *request);
    /* The connection goes before its reply has come: forget it. NULL: replies come at once. */
    void (*gone)(struct http_connection *http);
};

struct http_connection {
    struct connection connection;
    struct http_io io;
    struct http2 *http2; /* NULL: HTTP/1.1 */
    void *under_way;     /* the kind's, while a reply is to come */
    bool is_open;        /* requests may come: the handshake is complete, or there is none */
    bool is_serving;     /* a reply is to come */
    bool has_replied;    /* a reply is to be written */
    bool is_continued;   /* the client was told to send its body */
    bool is_head, stays, is_draining;
};

static inline const struct http_kind *http_kind_of(const struct http_connection *http)
{
    return (const struct http_kind *)http->connection.kind;
}

/* type and body: NULL for none. Other calls with it are for the kind's structure. */
void http_reply(struct http_connection *http, int status, const char *type, const char *body);

/* Of kind: */
void http_ready(struct connection *connection);
void http_release(struct connection *connection);
void http_drain(struct connection *connection);

#endif
