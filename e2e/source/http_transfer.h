/*
 * One HTTPS request of http.h on its way: what http.c and http_transfer.c share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include "source/http.h"
#include "source/http_names.h"

#include <curl/curl.h>
#include <event2/event_struct.h>

struct transfer {
    struct transfer *next, **link; /* of all that are under way */
    struct http *http;
    CURL *easy;
    bool is_added; /* easy is curl's multi's */
    struct curl_slist *headers, *addresses;
    struct http_name name;
    struct resolver_request *request;   /* for the name's addresses */
    struct resolved *resolved;          /* NULL: not yet, or it is a number */
    char unknown[RESOLVER_REASON_SIZE]; /* why it has no addresses, where that was known at once */
    struct event begin;                 /* soon, or when the name has to have been resolved */
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
    CURLM *multi;
    struct event *timer;
    struct transfer *transfers;
};

/* Tell the request's owner how it ended, and release it. */
void transfer_finish(struct transfer *transfer, CURLcode result);

/* Release it without a word to its owner; it may be under way. */
void transfer_free(struct transfer *transfer);

#endif
