/*
 * The application behind the endpoint: each e2e connection is relayed to one of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/forward.h"

#include "app/relay.h"
#include "messages/proxy_header.h"
#include "net/clock.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_US 50000 /* before a queue that is full is tried again */

struct forward_app {
    struct app app;
    const struct addrs *addrs;
    bool proxy_protocol;
};

/* One connection, which is either being made or relayed. */
struct forward {
    const struct forward_app *app;
    struct app_link *link;
    const struct addrinfo *place;
    int64_t until; /* clock_ms() */
    int fd;        /* -1: relayed, or not begun */
    struct event connected;
    struct relay *relay;
};

static void release(struct forward *forward)
{
    (void)event_del(&forward->connected);
    if (forward->fd >= 0)
        (void)close(forward->fd);
    OPENSSL_free(forward);
}

/* The UE sees that it was cut off, not that all has been said. */
static void end(struct forward *forward, const char *reason)
{
    struct app_link *link = forward->link;

    release(forward);
    link->end(link, reason);
}

static void fail_to_connect(struct forward *forward, int error)
{
    char reason[128], text[64];

    (void)snprintf(reason, sizeof(reason), "the application cannot be reached: %s",
                   strerror_r(error, text, sizeof(text)));
    SSL_set_quiet_shutdown(forward->link->ssl, 1);
    end(forward, reason);
}

static void relay_has_ended(void *argument, const char *reason)
{
    end(argument, reason);
}

static size_t make_header(const struct forward *forward, unsigned char header[PROXY_HEADER_MAX])
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(local);

    if (!forward->app->proxy_protocol)
        return 0;
    (void)getsockname(SSL_get_fd(forward->link->ssl), (struct sockaddr *)&local, &size);
    return proxy_header(header, forward->link->peer, (struct sockaddr *)&local,
                        forward->link->device);
}

static void relay_now(struct forward *forward)
{
    unsigned char header[PROXY_HEADER_MAX];
    const size_t length = make_header(forward, header);

    forward->relay = relay_start(forward->link->loop->base, forward->link->ssl, forward->fd, header,
                                 length, &forward->link->active, relay_has_ended, forward);
    forward->fd = -1;
    if (forward->relay == NULL)
        end(forward, "out of memory");
}

static void try_places(struct forward *forward);

static void now_try_places(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    try_places(argument);
}

static void try_places_later(struct forward *forward, const struct timeval *pause)
{
    forward->place = forward->app->addrs->list;
    (void)event_assign(&forward->connected, forward->link->loop->base, -1, 0, now_try_places,
                       forward);
    (void)event_add(&forward->connected, pause);
}

/* Connected, or not: then the next place is tried. */
static void go_on(evutil_socket_t fd, short what, void *argument)
{
    struct forward *forward = argument;
    int error = ETIMEDOUT;
    socklen_t size = sizeof(error);

    if ((what & EV_WRITE) != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0) {
        relay_now(forward);
        return;
    }
    (void)close(fd);
    forward->place = forward->place->ai_next;
    errno = error; /* where there is no other place */
    try_places(forward);
}

static void wait_until_connected(struct forward *forward)
{
    static const struct timeval limit = {FORWARD_SECONDS, 0};

    (void)event_assign(&forward->connected, forward->link->loop->base, forward->fd, EV_WRITE, go_on,
                       forward);
    (void)event_add(&forward->connected, &limit);
}

/* From the next one on. A socket of the file system says EAGAIN while its queue is full. */
static void try_places(struct forward *forward)
{
    static const struct timeval pause = {0, PAUSE_US};

    forward->fd = addrs_connect(&forward->place);
    if (forward->fd >= 0) {
        wait_until_connected(forward);
    } else if (errno == EAGAIN && clock_ms() < forward->until) {
        try_places_later(forward, &pause);
    } else {
        fail_to_connect(forward, errno);
    }
}

/* end() must not be called from here, so it begins a moment later. */
static void *start(struct app *app, struct app_link *link)
{
    static const struct timeval at_once = {0, 0};
    struct forward *forward = OPENSSL_zalloc(sizeof(*forward));

    if (forward == NULL)
        return NULL;
    forward->app = (const struct forward_app *)app;
    forward->link = link;
    forward->until = clock_ms() + (int64_t)FORWARD_SECONDS * 1000;
    forward->fd = -1;
    try_places_later(forward, &at_once);
    return forward;
}

static void stop(void *state)
{
    struct forward *forward = state;

    if (forward->relay != NULL)
        relay_stop(forward->relay);
    release(forward);
}

static void free_app(struct app *app)
{
    OPENSSL_free(app);
}

static const struct app_ops forward_ops = {start, stop, free_app};

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
