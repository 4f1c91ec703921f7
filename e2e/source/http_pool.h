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

#define HTTP_CONNECTIONS_MAX 8 /* to one server without HTTP/2 */

struct http_route;

/* All pools of a client, and what they tell its requests, which are CURLOPT_PRIVATE. */
struct http_pools {
    struct loop *loop;
    struct http_pool *current; /* that takes requests; NULL: one is to be made */
    LIST_HEAD(, http_pool) list;
    void *context;
    /* curl has done with a request. */
    void (*finish)(void *request, CURLcode result);
    /* Requests of a pool that may get no answer: all if it is broken, else those without octets. */
    void (*leave)(struct http_pool *pool);
    /* http_route_connect() has come to its end. */
    void (*connected)(struct http_route *route);
};

struct http_pool {
    LIST_ENTRY(http_pool) next;
    struct http_pools *pools;
    CURLM *multi;
    struct event *timer;
    LIST_HEAD(, watched) sockets;
    LIST_HEAD(, http_route) routes;
    size_t requests; /* curl has them, or they wait for a connection */
    bool is_retired;
    bool is_silent; /* a request ended for want of an answer */
    bool is_broken; /* curl was not given what it needs: none of its requests may get on */
};

void http_pools_init(struct http_pools *pools, struct loop *loop);

/* Its requests have been released. */
void http_pools_free(struct http_pools *pools);

/* The one that takes requests, made if there is none. NULL: out of memory. */
struct http_pool *http_pool_get(struct http_pools *pools);

/* It takes no further request. */
void http_pool_retire(struct http_pool *pool);

/* Have it look after itself soon: it may have lost its last request. */
void http_pool_touch(struct http_pool *pool);

#endif
