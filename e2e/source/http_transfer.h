/*
 * One HTTPS request of http.h on its way: what http.c and http_transfer.c share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include "source/http.h"
#include "source/http_names.h"
#include "source/http_pool.h"

#include <curl/curl.h>
#include <event2/event_struct.h>

struct transfer {
    struct transfer *next, **link; /* of all that are under way */
    struct http *http;
    CURL *easy;
    struct http_pool *pool; /* that curl has it in; NULL: none */
    struct curl_slist *headers, *addresses;
    struct http_name name;
    struct resolver_request *request;   /* for the name's addresses */
    struct resolved *resolved;          /* NULL: not yet, or it is a number */
    char unknown[RESOLVER_REASON_SIZE]; /* why it has no addresses, where that was known at once */
    struct event begin;                 /* soon, or when the name has to have been resolved */
    bool is_pausing;                    /* begin is the end of a pause before it is sent again */
    bool has_moved;                     /* from a connection that others got no answer over */
    unsigned int failures;              /* one after the other */
    int64_t until;                      /* clock_ms() */
    http_done *done;
    void *context;
    char *body;
    size_t length, header_octets;
    bool http2;
    const char *refused; /* what our callbacks found wrong */
    char error[CURL_ERROR_SIZE];
};

struct http {
    struct loop *loop;
    struct tls_files *identity;
    const char *user_agent;
    struct http_pool *pool; /* that takes requests; NULL: one is to be made */
    LIST_HEAD(, http_pool) pools;
    struct transfer *transfers;
};

/*
 * Tell the request's owner how it ended, and release it; where a connection failed, and there is
 * time left, it is sent again instead: what is asked for here may be asked for twice.
 */
void transfer_finish(struct transfer *transfer, CURLcode result);

/*
 * Send those of a pool again over another one that may wait in vain there: all where it is broken,
 * else once, and those that got nothing so far.
 */
void transfers_leave(struct http_pool *pool);

/* Release it without a word to its owner; it may be under way. */
void transfer_free(struct transfer *transfer);

#endif
