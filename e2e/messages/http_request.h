/*
 * A request of HTTP/1.1 (RFC 9112), of those that have at most a short body
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REQUEST_HEAD_MAX 8192 /* octets of the request line and the headers */
#define HTTP_REQUEST_BODY_MAX 4096 /* octets of the body */

/* Room for a whole request; a body in chunks takes more than its octets. */
#define HTTP_REQUEST_SIZE ((size_t)HTTP_REQUEST_HEAD_MAX + 2 * (size_t)HTTP_REQUEST_BODY_MAX)

enum http_parsed {
    HTTP_WHOLE,
    HTTP_PARTIAL,  /* more has to come */
    HTTP_CONTINUE, /* the same, and the client waits for "100 Continue" before it sends the body */
    HTTP_BAD       /* status says what is wrong; the connection cannot continue */
};

struct received_request {
    char method[16], path[1024]; /* without the query */
    char content_type[128];      /* empty: none */
    bool stays;                  /* the connection can serve another request */
    char *body;                  /* within what was parsed */
    size_t body_length;
    size_t consumed; /* octets of the request: another one may follow */
    int status;      /* HTTP_BAD: of the answer */
};

/* Parse what has come; a body in chunks is put together in its place once it is whole. */
enum http_parsed http_request_parse(struct received_request *request, char *octets, size_t length);

/* "Not Found", the phrase of a reply's status; empty: unknown. */
const char *http_phrase(int status);

#endif
