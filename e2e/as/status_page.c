/*
 * GET /metrics, /healthz, /readyz and a page for people, in plain HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/status_page.h"

#include "as/readiness.h"
#include "server/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN      "text/plain"
#define HTML       "text/html; charset=utf-8"
#define PROMETHEUS PLAIN "; version=0.0.4; charset=utf-8"

static void show_metrics(struct http_connection *http)
{
    char *text = metrics_text();

    if (text == NULL)
        http_reply(http, 500, PLAIN, "out of memory\n");
    else
        http_reply(http, 200, PROMETHEUS, text);
    free(text);
}

/* That this is answered says it all: the process is alive, draining or not. */
static void show_health(struct http_connection *http)
{
    http_reply(http, 200, PLAIN, "ok\n");
}

static void show_readiness(struct http_connection *http)
{
    const struct overview *overview = http->connection.service;
    char *text;
    const bool ready = readiness_text(overview->heartbeat, overview->is_strict, &text);

    http_reply(http, ready ? 200 : 503, PLAIN, text != NULL ? text : "out of memory\n");
    free(text);
}

static void show_page(struct http_connection *http, bool refreshes)
{
    char *html = overview_html(http->connection.service, refreshes);

    http_reply(http, html != NULL ? 200 : 500, html != NULL ? HTML : PLAIN,
               html != NULL ? html : "out of memory\n");
    free(html);
}

static void show_overview(struct http_connection *http)
{
    show_page(http, true);
}

/* The same page, which does not refresh: a reader or listener can take the time they need.
 */
static void show_still(struct http_connection *http)
{
    show_page(http, false);
}

static const struct {
    const char *path;
    void (*show)(struct http_connection *http);
} pages[] = {
    {"/", show_overview},      {"/still", show_still},      {"/metrics", show_metrics},
    {"/healthz", show_health}, {"/readyz", show_readiness},
};

static void serve(struct http_connection *http, const struct received_request *request)
{
    if (!http->is_head && strcmp(request->method, "GET") != 0) {
        http_reply(http, 405, PLAIN, "GET or HEAD\n");
        return;
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (strcmp(request->path, pages[i].path) == 0) {
            pages[i].show(http);
            return;
        }
    http_reply(http, 404, PLAIN, "/, /metrics, /healthz and /readyz are served here\n");
}

static const struct http_kind status_http = {
    .kind = {.name = "metrics",
             .size = sizeof(struct http_connection),
             .pool = POOL_STATUS,
             .stays = true,
             .ready = http_ready,
             .release = http_release},
    .allowed = "GET, HEAD",
    .is_single = true,
    .serve = serve,
};

const char *status_page_address(const char *option, char port[STATUS_PAGE_PORT_SIZE])
{
    if (option == NULL || strchr(option, ':') != NULL)
        return option;
    (void)snprintf(port, STATUS_PAGE_PORT_SIZE, ":%s", option);
    return port;
}

bool status_page_listen(struct endpoints *endpoints, struct overview *overview, const char *option)
{
    char port[STATUS_PAGE_PORT_SIZE];
    const char *address = status_page_address(option, port);

    return endpoints_listen(endpoints, &status_http.kind, overview, "metrics", address,
                            address[0] != ':');
}
