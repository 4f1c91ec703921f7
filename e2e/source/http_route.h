/*
 * The way to the server of a request's URL: addresses are raced (net/connector.h), and curl is
 * given the socket that has won
 *
 * curl would try a name's addresses one after the other, for seconds each, and at the end of a
 * request and of the program it would wait for its own resolver.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "net/addrs.h"
#include "net/connector.h"
#include "queue.h"

#include <curl/curl.h>

struct http_pool;

/* In one pool, and as long as the pool. */
struct http_route {
    LIST_ENTRY(http_route) next;
    struct http_pool *pool;
    struct addrs addrs;
    struct curl_slist *list; /* what CURLOPT_RESOLVE takes: the address that has won */
    struct connector *connector;
    struct connected connected; /* its fd is ready for curl; -1: it is not, or curl has it */
    int given;                  /* the fd that curl has just been given; -1: none */
    unsigned int open;          /* connections that curl has */
    unsigned int requests;      /* that curl has */
    bool is_http1;              /* one connection is not enough for many requests */
};

/* The route to a URL's server, made if there is none. NULL: out of memory, or it has no host. */
struct http_route *http_route_get(struct http_pool *pool, const char *url);

/*
 * A connection for one more request, or a socket for one. False: it is pending, and the pools'
 * connected() comes later, from the loop. True: it is there; or if nothing is open and there is
 * no fd it cannot be had, as connected says.
 */
bool http_route_connect(struct http_route *route, int64_t deadline);

/* curl takes and returns its sockets here, and sends to no other address. */
bool http_route_use(struct http_route *route, CURL *easy);

/* After the pool's connections have been closed. */
void http_route_free(struct http_route *route);

#endif
