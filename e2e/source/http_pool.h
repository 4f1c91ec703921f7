/*
 * libcurl's multi handle on a loop: requests under way and the connections that they go over
 *
 * A pool of which something failed (a connection that went silent, memory) is retired: it takes no
 * further request, another one is made, and it goes when its requests have ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "net/loop.h"
#include "queue.h"

#include <curl/curl.h>

struct http;

struct http_pool {
    LIST_ENTRY(http_pool) next;
    struct http *http;
    CURLM *multi;
    struct event *timer;
    LIST_HEAD(, watched) sockets;
    size_t transfers; /* curl has them */
    bool is_retired;
    bool is_silent; /* a request ended for want of an answer */
    bool is_broken; /* curl was not given what it needs: none of its requests may get on */
};

/* The one that takes requests, made where there is none. NULL: out of memory. */
struct http_pool *http_pool_get(struct http *http);

/* It takes no further request. */
void http_pool_retire(struct http_pool *pool);

/* Its requests have been released. */
void http_pool_free(struct http_pool *pool);

#endif
