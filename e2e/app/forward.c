/*
 * The application behind the endpoint: each e2e connection is relayed to one of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/forward.h"

#include "app/dgram_relay.h"
#include "app/relay.h"
#include "messages/proxy_header.h"
#include "net/clock.h"
#include "net/connector.h"
#include "net/dgram_bio.h"
#include "ops/health.h"
#include "ops/metrics.h"

#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ELSEWHERE_MS 1000 /* over UDP, between two looks for another address */

struct forward_app {
    struct app app;
    const struct addrs *addrs;
    bool proxy_protocol;
};

/* One connection, which is either being made or relayed. */
struct forward {
    const struct forward_app *app;
    struct app_connection *conn;
    struct event begin;
    struct connector *connector; /* while the connection is being made, or another one over UDP */
    struct sockaddr_storage address; /* over UDP: what it is connected to */
    int64_t next_look;               /* ... clock_ms(): for another address, not before */
    int64_t began;                   /* clock_ms() */
    int fd;                          /* of the connection until it is relayed; -1: none */
    struct relay *relay;
    struct dgram_relay *dgram_relay; /* in its place, over UDP */
};

static void forward_free(struct forward *forward)
{
    (void)event_del(&forward->begin);
    connector_stop(forward->connector);
    if (forward->fd >= 0)
        (void)close(forward->fd);
    OPENSSL_free(forward);
}

/* The UE sees that it was cut off, not that all has been said. */
static void forward_finish(struct forward *forward, const char *reason)
{
    struct app_connection *conn = forward->conn;

    forward_free(forward);
    conn->end(conn, reason);
}

static void fail_to_connect(struct forward *forward, const char *why)
{
    char reason[CONNECTOR_REASON_SIZE + 40];

    metrics_count(METRIC_REFUSED_APPLICATION);
    health_down(HEALTH_APPLICATION, NULL, why);
    (void)snprintf(reason, sizeof(reason), "the application cannot be reached: %s", why);
    SSL_set_quiet_shutdown(forward->conn->ssl, 1);
    forward_finish(forward, reason);
}

static void relay_has_ended(void *argument, const char *reason)
{
    forward_finish(argument, reason);
}

static size_t make_header(const struct forward *forward, unsigned char header[PROXY_HEADER_MAX])
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(local);
    BIO *datagrams = dgram_bio_of(forward->conn->ssl);

    if (!forward->app->proxy_protocol)
        return 0;
    if (datagrams != NULL)
        (void)dgram_bio_local(datagrams, &local);
    else
        (void)getsockname(SSL_get_fd(forward->conn->ssl), (struct sockaddr *)&local, &size);
    return proxy_header(header, forward->conn->peer, (struct sockaddr *)&local,
                        forward->conn->device, datagrams != NULL);
}

static void connect_now(struct forward *forward, connector_done *done)
{
    struct connected now;

    forward->began = clock_ms();
    forward->connector =
        connector_start(forward->conn->loop, forward->app->addrs,
                        forward->began + (int64_t)FORWARD_SECONDS * 1000, done, forward, &now);
    if (forward->connector == NULL)
        done(forward, &now);
}

/* Without another address the session keeps its socket, whose port the application knows. */
static void on_connected_elsewhere(void *argument, const struct connected *connected)
{
    struct forward *forward = argument;

    forward->connector = NULL;
    if (connected->fd < 0)
        return;
    if (memcmp(&forward->address, &connected->address, sizeof(forward->address)) == 0) {
        (void)close(connected->fd);
        return;
    }
    forward->address = connected->address;
    dgram_relay_use(forward->dgram_relay, connected->fd);
}

/* The application may be at the name's next address, or the name has another one by now. */
static void look_elsewhere(void *argument)
{
    struct forward *forward = argument;
    const int64_t now = clock_ms();

    if (forward->connector != NULL || now < forward->next_look)
        return;
    forward->next_look = now + ELSEWHERE_MS;
    connector_blame(&forward->address, CONNECTOR_BLAME_MS);
    connect_now(forward, on_connected_elsewhere);
}

static void relay_now(struct forward *forward)
{
    const struct dgram_relay_owner owner = {forward, relay_has_ended, look_elsewhere};
    unsigned char header[PROXY_HEADER_MAX];
    const size_t length = make_header(forward, header);

    if (forward->app->addrs->is_udp)
        forward->dgram_relay =
            dgram_relay_start(forward->conn->loop, forward->conn->ssl, forward->fd, header, length,
                              &forward->conn->active, &owner);
    else
        forward->relay =
            relay_start(forward->conn->loop->base, forward->conn->ssl, forward->fd, header, length,
                        &forward->conn->active, relay_has_ended, forward);
    forward->fd = -1;
    if (forward->relay == NULL && forward->dgram_relay == NULL)
        forward_finish(forward, "out of memory");
}

static void on_connected(void *argument, const struct connected *connected)
{
    struct forward *forward = argument;

    forward->connector = NULL;
    forward->fd = connected->fd;
    forward->address = connected->address;
    metrics_observe_since(METRIC_TIME_APPLICATION, forward->began);
    if (forward->fd < 0) {
        fail_to_connect(forward, connected->reason);
        return;
    }
    health_up(HEALTH_APPLICATION, NULL);
    relay_now(forward);
}

static void connect_at_once(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    connect_now(argument, on_connected);
}

/* forward_finish() must not be called from here, so it begins a moment later. */
static void *forward_start(struct app *app, struct app_connection *conn)
{
    static const struct timeval at_once = {0, 0};
    struct forward *forward = OPENSSL_zalloc(sizeof(*forward));

    if (forward == NULL)
        return NULL;
    forward->app = (const struct forward_app *)app;
    forward->conn = conn;
    forward->fd = -1;
    (void)event_assign(&forward->begin, conn->loop->base, -1, 0, connect_at_once, forward);
    loop_add_event(&forward->begin, &at_once);
    return forward;
}

static void stop(void *state)
{
    struct forward *forward = state;

    if (forward->relay != NULL)
        relay_stop(forward->relay);
    if (forward->dgram_relay != NULL)
        dgram_relay_stop(forward->dgram_relay);
    forward_free(forward);
}

static void free_app(struct app *app)
{
    OPENSSL_free(app);
}

static const struct app_ops forward_ops = {forward_start, stop, free_app};

struct app *app_forward_new(const struct addrs *addrs, bool proxy_protocol)
{
    struct forward_app *app = OPENSSL_zalloc(sizeof(*app));

    if (app == NULL)
        return NULL;
    app->app.ops = &forward_ops;
    app->addrs = addrs;
    app->proxy_protocol = proxy_protocol;
    return &app->app;
}
