/*
 * GET /metrics and GET /healthz
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "metrics_http.h"

#include "address.h"
#include "metrics.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MAX 8192 /* octets of headers */
#define SECONDS     5

struct metrics_http {
    struct evhttp *http;
    bool is_draining;
};

static void reply(struct evhttp_request *request, int status, const char *type, const char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evhttp_request_get_output_buffer(request);

    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evbuffer_add(body, text, strlen(text));
    evhttp_send_reply(request, status, NULL, NULL);
}

static void show_metrics(struct evhttp_request *request, void *argument)
{
    char *text = metrics_text();

    (void)argument;
    if (text == NULL)
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    else
        reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
    free(text);
}

static void show_health(struct evhttp_request *request, void *argument)
{
    const struct metrics_http *metrics = argument;

    reply(request, metrics->is_draining ? HTTP_SERVUNAVAIL : HTTP_OK, "text/plain",
          metrics->is_draining ? "draining\n" : "ok\n");
}

static int listen_there(const char *address, char shown[ADDRESS_SIZE])
{
    const char *colon = strrchr(address, ':');
    char loopback[ADDRESS_SIZE];

    if (colon != NULL && colon != address)
        return address_listen("metrics", address, shown);
    (void)snprintf(loopback, sizeof(loopback), "127.0.0.1:%.16s",
                   colon == NULL ? address : colon + 1);
    return address_listen("metrics", loopback, shown);
}

struct metrics_http *metrics_http_new(struct event_base *base, const char *address)
{
    struct metrics_http *metrics = OPENSSL_zalloc(sizeof(*metrics));
    char shown[ADDRESS_SIZE];
    int fd = -1;

    if (metrics == NULL)
        return NULL;
    metrics->http = evhttp_new(base);
    if (metrics->http != NULL)
        fd = listen_there(address, shown);
    if (fd < 0 || evhttp_accept_socket(metrics->http, fd) != 0) {
        if (fd >= 0)
            (void)close(fd);
        metrics_http_free(metrics);
        return NULL;
    }
    evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(metrics->http, REQUEST_MAX);
    evhttp_set_max_body_size(metrics->http, 0);
    evhttp_set_timeout(metrics->http, SECONDS);
    (void)evhttp_set_cb(metrics->http, "/metrics", show_metrics, metrics);
    (void)evhttp_set_cb(metrics->http, "/healthz", show_health, metrics);
    printf("metrics %s\n", shown);
    (void)fflush(stdout);
    return metrics;
}

void metrics_http_set_draining(struct metrics_http *metrics)
{
    if (metrics != NULL)
        metrics->is_draining = true;
}

void metrics_http_free(struct metrics_http *metrics)
{
    if (metrics == NULL)
        return;
    if (metrics->http != NULL)
        evhttp_free(metrics->http);
    OPENSSL_free(metrics);
}
