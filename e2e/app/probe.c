/*
 * Whether the application accepts connections: a connection every few seconds, without a word
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/probe.h"

#include "messages/proxy_header.h"
#include "net/clock.h"
#include "net/connector.h"
#include "ops/health.h"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe {
    struct loop *loop;
    const struct addrs *addrs;
    bool proxy_protocol;
    struct event *timer;
    struct connector *connector; /* while a connection is being made */
};

static void say_local(int fd)
{
    unsigned char header[PROXY_HEADER_MAX];
    const size_t length = proxy_header_local(header);

    /* to a new connection's empty buffer; an application that reads none of it misses nothing */
    (void)!send(fd, header, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_connected(void *argument, const struct connected *connected)
{
    static const struct timeval pause = {PROBE_SECONDS, 0};
    struct probe *probe = argument;

    probe->connector = NULL;
    if (connected->fd < 0) {
        health_down(HEALTH_APPLICATION, NULL, connected->reason);
    } else {
        if (probe->proxy_protocol)
            say_local(connected->fd);
        (void)close(connected->fd);
        health_up(HEALTH_APPLICATION, NULL);
    }
    loop_add_event(probe->timer, &pause);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct probe *probe = argument;
    struct connected now;

    (void)fd, (void)what;
    probe->connector =
        connector_start(probe->loop, probe->addrs, clock_ms() + (int64_t)PROBE_SECONDS * 1000,
                        on_connected, probe, &now);
    if (probe->connector == NULL)
        on_connected(probe, &now);
}

struct probe *probe_new(struct loop *loop, const struct addrs *addrs, bool proxy_protocol)
{
    static const struct timeval at_once = {0, 0};
    struct probe *probe = OPENSSL_zalloc(sizeof(*probe));

    if (probe == NULL)
        return NULL;
    probe->loop = loop;
    probe->addrs = addrs;
    probe->proxy_protocol = proxy_protocol;
    probe->timer = evtimer_new(loop->base, on_timer, probe);
    if (probe->timer != NULL && event_add(probe->timer, &at_once) == 0)
        return probe;
    probe_free(probe);
    return NULL;
}

void probe_free(struct probe *probe)
{
    if (probe == NULL)
        return;
    connector_stop(probe->connector);
    if (probe->timer != NULL)
        event_free(probe->timer);
    OPENSSL_free(probe);
}
