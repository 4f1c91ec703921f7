/*
 * A connection that the echo or an application has to itself, within --idle-timeout and
 * --session-lifetime
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/app_session.h"

#include "net/clock.h"

#include <stddef.h>

static const struct limits *limits_of(const struct app_session *session)
{
    return &session->connection->worker->server->limits;
}

/* The application is done, and has released what it had. */
static void on_app_end(struct app_connection *conn, const char *reason)
{
    struct app_session *session =
        (struct app_session *)(void *)((char *)conn - offsetof(struct app_session, conn));

    session->echo = NULL;
    session->state = NULL;
    connection_close(session->connection, reason);
}

static int64_t idle_until(const struct app_session *session)
{
    return session->conn.active + (int64_t)limits_of(session)->idle * 1000;
}

/* When the connection has to end unless it is used. */
static int64_t limit_of(const struct app_session *session)
{
    const int64_t seconds = limits_of(session)->session; /* 0: without end */
    const int64_t end = session->connection->began + seconds * 1000;

    return seconds != 0 && end < idle_until(session) ? end : idle_until(session);
}

static void wait_for_limit(struct app_session *session)
{
    loop_add_timer(&session->limit, limit_of(session) - clock_ms() + 1);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct app_session *session = argument;
    const int64_t now = clock_ms();

    (void)fd, (void)what;
    if (limit_of(session) > now)
        wait_for_limit(session);
    else if (idle_until(session) > now)
        connection_close(session->connection, "--session-lifetime is over");
    else
        connection_close(session->connection,
                         "no progress in either direction within --idle-timeout");
}

bool app_session_start(struct app_session *session, const struct app_session_setup *setup)
{
    struct connection *connection = setup->connection;

    io_watch_cancel(&connection->watch);
    *session = (struct app_session){
        .connection = connection,
        .app = setup->app,
        .conn = {.loop = connection->worker->loop,
                 .ssl = connection->ssl,
                 .device = setup->device,
                 .identity = setup->identity,
                 .peer = &connection->peer.any,
                 .active = clock_ms(),
                 .end = on_app_end},
    };
    (void)event_assign(&session->limit, connection->worker->loop->base, -1, 0, on_limit, session);
    wait_for_limit(session);
    if (setup->prefix != NULL)
        session->echo =
            echo_start(&session->conn, setup->lines, setup->prefix, limits_of(session)->line);
    else
        session->state = setup->app->ops->start(setup->app, &session->conn);
    return session->echo != NULL || session->state != NULL;
}

void app_session_stop(struct app_session *session)
{
    (void)event_del(&session->limit);
    if (session->echo != NULL)
        echo_stop(session->echo);
    if (session->state != NULL)
        session->app->ops->stop(session->state);
}
