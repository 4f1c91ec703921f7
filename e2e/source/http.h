/*
 * HTTPS requests that block nobody: libcurl's multi interface on a loop of libevent
 *
 * HTTPS alone, certificates both ways, HTTP/2 if the server has it (ALPN), many requests on one
 * connection. A reply is bounded in size and in time. No redirect is followed here, no proxy, no
 * cookie, no credential from elsewhere is used.
 *
 * What held a secret is cleansed: curl's memory as it is released, libssl's plaintext once it was
 * read. docs/security.md says what is out of reach.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_H
#define HTTP_H

#include "net/loop.h"
#include "net/tls_files.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_BODY_MAX    ((size_t)16 * 1024) /* octets of a reply's body, and of all its headers */
#define HTTP_FAULT_SIZE  300
#define HTTP_STREAMS_MAX 100  /* requests under way on one connection */
#define HTTP_RETRY_MAX   3600 /* seconds that Retry-After can keep us away */

struct http_request {
    const char *url;
    const char *content_type;
    const char *body;          /* is copied */
    const char *authorization; /* the header's value, is copied; NULL: none */
    bool http2;                /* nothing is sent to a server without HTTP/2 */
    unsigned int milliseconds; /* for the whole exchange */
};

/* Texts are the sender's. All of it is cleansed when the callback returns. */
struct http_reply {
    const char *fault; /* NULL: a whole reply came; else why there is none */
    long status;
    const char *content_type; /* NULL: none */
    const char *location;     /* NULL: none */
    const char *body;         /* length octets */
    size_t length;
    unsigned int retry_after;  /* seconds; 0: not said, or past */
    unsigned int milliseconds; /* how long it took */
};

struct http;
typedef void http_done(void *context, const struct http_reply *reply);

/* Once for the process, before any thread is started. */
bool http_start(void);

/*
 * identity: who we are, and whom we trust; it becomes its own. user_agent: of every request; it has
 * to outlive this. NULL: out of memory.
 */
struct http *http_new(struct loop *loop, struct tls_files *identity, const char *user_agent);

/* From now on, for requests and connections to come. On the loop. */
void http_use_identity(struct http *http, struct tls_files *identity);

/* Requests under way end without their callback. NULL is fine. */
void http_free(struct http *http);

/* POST; done is called later, once, from the loop. False: out of memory, and done is not called. */
bool http_post(struct http *http, const struct http_request *request, http_done *done,
               void *context);

#endif
