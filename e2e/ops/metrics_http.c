/*
 * GET /metrics and GET /healthz
 *
 * One request without a body on each connection is all of HTTP that is needed. libevent's evhttp
 * limits neither how many connections there are nor how long one may take, and asks without a pause
 * for one more when there are no descriptors: whoever reaches the address could hold the UEs up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/metrics_http.h"
#include "queue.h"

#include "net/addr.h"
#include "net/loop.h"
#include "ops/metrics.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4    /* at a time; others wait until they are accepted */
#define REQUEST_MAX     8192 /* octets of a request */
#define SECONDS         5    /* for a connection, in all */

#define PLAIN      "text/plain"
#define PROMETHEUS PLAIN "; version=0.0.4; charset=utf-8"

struct metrics_http {
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *pause;
    LIST_HEAD(, visit) visits;
    size_t count;
    bool is_draining;
};

/* A connection, for one request. */
struct visit {
    LIST_ENTRY(visit) next;
    struct metrics_http *metrics;
    struct bufferevent *stream;
    struct event limit;
    bool is_answered;
};

static void pause_listening(const struct metrics_http *metrics)
{
    static const struct timeval pause = {.tv_usec = 100000};

    (void)evconnlistener_disable(metrics->listener);
    loop_add_event(metrics->pause, &pause);
}

static void listen_again(const struct metrics_http *metrics)
{
    if (evconnlistener_enable(metrics->listener) != 0)
        pause_listening(metrics);
}

static void close_visit(struct visit *visit)
{
    struct metrics_http *metrics = visit->metrics;

    LIST_REMOVE(visit, next);
    (void)event_del(&visit->limit);
    bufferevent_free(visit->stream);
    OPENSSL_free(visit);
    if (metrics->count-- == CONNECTIONS_MAX)
        listen_again(metrics);
}

static void reply(struct visit *visit, bool is_head, const char *status, const char *type,
                  const char *text)
{
    struct evbuffer *out = bufferevent_get_output(visit->stream);

    visit->is_answered = true;
    (void)bufferevent_disable(visit->stream, EV_READ);
    (void)evbuffer_add_printf(out,
                              "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                              "Connection: close\r\n\r\n%s",
                              status, type, strlen(text), is_head ? "" : text);
}

static void show_metrics(struct visit *visit, bool is_head)
{
    char *text = metrics_text();

    if (text == NULL)
        reply(visit, is_head, "500 Internal Server Error", PLAIN, "out of memory\n");
    else
        reply(visit, is_head, "200 OK", PROMETHEUS, text);
    free(text);
}

static void show_health(struct visit *visit, bool is_head)
{
    if (visit->metrics->is_draining)
        reply(visit, is_head, "503 Service Unavailable", PLAIN, "draining\n");
    else
        reply(visit, is_head, "200 OK", PLAIN, "ok\n");
}

static const struct {
    const char *path;
    void (*show)(struct visit *visit, bool is_head);
} pages[] = {{"/metrics", show_metrics}, {"/healthz", show_health}};

/* RFC 9112 3: method, target, version; a query changes nothing. */
static void answer(struct visit *visit, const char *line)
{
    char method[8], addrs[256], version[2];
    bool is_head;

    if (sscanf(line, "%7s %255s HTTP/1.%1[01]", method, addrs, version) != 3) {
        reply(visit, false, "400 Bad Request", PLAIN, "not a request of HTTP/1.1\n");
        return;
    }
    is_head = strcmp(method, "HEAD") == 0;
    if (!is_head && strcmp(method, "GET") != 0) {
        reply(visit, false, "405 Method Not Allowed", PLAIN "\r\nAllow: GET, HEAD",
              "GET or HEAD\n");
        return;
    }
    addrs[strcspn(addrs, "?")] = '\0';
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (strcmp(addrs, pages[i].path) == 0) {
            pages[i].show(visit, is_head);
            return;
        }
    reply(visit, is_head, "404 Not Found", PLAIN, "/metrics and /healthz are what is here\n");
}

static void on_read(struct bufferevent *stream, void *argument)
{
    struct visit *visit = argument;
    struct evbuffer *in = bufferevent_get_input(stream);
    char *line;

    if (visit->is_answered)
        return;
    if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos >= 0) {
        line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
        answer(visit, line == NULL ? "" : line);
        free(line);
    } else if (evbuffer_get_length(in) >= REQUEST_MAX) {
        reply(visit, false, "431 Request Header Fields Too Large", PLAIN, "too long\n");
    }
}

static void on_written(struct bufferevent *stream, void *argument)
{
    struct visit *visit = argument;

    (void)stream;
    if (visit->is_answered)
        close_visit(visit);
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    (void)stream, (void)what;
    close_visit(argument);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    close_visit(argument);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                     int length, void *argument)
{
    static const struct timeval limit = {.tv_sec = SECONDS};
    struct metrics_http *metrics = argument;
    struct visit *visit = OPENSSL_zalloc(sizeof(*visit));

    (void)address, (void)length;
    if (visit != NULL)
        visit->stream = bufferevent_socket_new(metrics->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (visit == NULL || visit->stream == NULL) {
        OPENSSL_free(visit);
        (void)close(fd);
        return;
    }
    visit->metrics = metrics;
    LIST_INSERT_HEAD(&metrics->visits, visit, next);
    if (++metrics->count == CONNECTIONS_MAX)
        (void)evconnlistener_disable(listener);
    (void)event_assign(&visit->limit, metrics->base, -1, 0, on_limit, visit);
    loop_add_event(&visit->limit, &limit);
    bufferevent_setcb(visit->stream, on_read, on_written, on_event, visit);
    if (bufferevent_enable(visit->stream, EV_READ) != 0)
        close_visit(visit);
}

/* Without descriptors: do not ask again at once. */
static void could_not_accept(struct evconnlistener *listener, void *argument)
{
    (void)listener;
    pause_listening(argument);
}

static void resume_accepting(evutil_socket_t fd, short what, void *argument)
{
    const struct metrics_http *metrics = argument;

    (void)fd, (void)what;
    if (metrics->count < CONNECTIONS_MAX)
        listen_again(metrics);
}

static int listen_there(const char *address, char shown[ADDR_SIZE])
{
    const char *colon = strrchr(address, ':');
    struct listenings all;
    char loopback[ADDR_SIZE];

    (void)snprintf(loopback, sizeof(loopback), "127.0.0.1:%.16s",
                   colon == NULL ? address : colon + 1);
    if (!addr_listen(&all, "metrics", colon != NULL && colon != address ? address : loopback, true))
        return -1;
    for (size_t i = 1; i < all.count; i++)
        (void)close(all.at[i].fd);
    memcpy(shown, all.at[0].shown, ADDR_SIZE);
    return all.at[0].fd;
}

struct metrics_http *metrics_http_new(struct event_base *base, const char *address)
{
    struct metrics_http *metrics = OPENSSL_zalloc(sizeof(*metrics));
    char shown[ADDR_SIZE];
    int fd;

    if (metrics == NULL)
        return NULL;
    metrics->base = base;
    LIST_INIT(&metrics->visits);
    metrics->pause = evtimer_new(base, resume_accepting, metrics);
    fd = listen_there(address, shown);
    if (fd >= 0)
        metrics->listener = evconnlistener_new(
            base, accepted, metrics, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
    if (metrics->listener == NULL || metrics->pause == NULL) {
        if (metrics->listener == NULL && fd >= 0)
            (void)close(fd);
        metrics_http_free(metrics);
        return NULL;
    }
    evconnlistener_set_error_cb(metrics->listener, could_not_accept);
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
    while (!LIST_EMPTY(&metrics->visits))
        close_visit(LIST_FIRST(&metrics->visits));
    if (metrics->listener != NULL)
        evconnlistener_free(metrics->listener);
    if (metrics->pause != NULL)
        event_free(metrics->pause);
    OPENSSL_free(metrics);
}
