/*
 * The application behind the endpoint: each e2e connection is relayed to one of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forward.h"

#include "log.h"
#include "proxy_header.h"
#include "relay.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct forward_app {
    struct app app;
    const struct target *target;
    bool proxy_protocol;
};

/* One connection, which is either being made or relayed. */
struct forward {
    const struct forward_app *app;
    struct app_link *link;
    const struct addrinfo *place;
    int fd; /* -1: relayed */
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

static void wait_until_connected(struct forward *forward);

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
    forward->fd = target_connect(&forward->place);
    if (forward->fd < 0)
        fail_to_connect(forward, error);
    else
        wait_until_connected(forward);
}

static void wait_until_connected(struct forward *forward)
{
    static const struct timeval limit = {FORWARD_SECONDS, 0};

    (void)event_assign(&forward->connected, forward->link->loop->base, forward->fd, EV_WRITE, go_on,
                       forward);
    (void)event_add(&forward->connected, &limit);
}

static void *start(struct app *app, struct app_link *link)
{
    struct forward *forward = OPENSSL_zalloc(sizeof(*forward));

    if (forward == NULL) {
        log_event("forward", "device", link->device, "reason", "out of memory", NULL);
        return NULL;
    }
    forward->app = (const struct forward_app *)app;
    forward->link = link;
    forward->place = forward->app->target->places;
    forward->fd = target_connect(&forward->place);
    if (forward->fd >= 0) {
        wait_until_connected(forward);
        return forward;
    }
    log_event("forward", "device", link->device, "reason", strerror(errno), NULL);
    SSL_set_quiet_shutdown(link->ssl, 1);
    OPENSSL_free(forward);
    return NULL;
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

struct app *app_forward_new(const struct target *target, bool proxy_protocol)
{
    struct forward_app *app = OPENSSL_zalloc(sizeof(*app));

    if (app == NULL)
        return NULL;
    app->app.ops = &forward_ops;
    app->target = target;
    app->proxy_protocol = proxy_protocol;
    return &app->app;
}
