/*
 * A connection that the echo or an application has to itself, within --idle-timeout and
 * --session-lifetime
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include "app/echo.h"
#include "server/connection.h"

/* Lies in a structure of the connection's kind. */
struct app_session {
    struct connection *connection;
    struct app *app;
    struct app_connection conn;
    struct echo *echo;
    void *state;        /* the application's */
    struct event limit; /* idle, session */
};

struct app_session_setup {
    struct connection *connection;
    const char *device, *identity; /* as in app.h; they live as long as the connection */
    struct app *app;
    const char *prefix;      /* of the echo; NULL: the application gets the connection */
    struct tls_lines *lines; /* what was read before; taken over by the echo */
};

/*
 * Give the connection over; it is closed when the application is done, or a limit is over. False:
 * out of memory. Stop it in any case.
 */
bool app_session_start(struct app_session *session, const struct app_session_setup *setup);

/* The connection ends: release what was started. */
void app_session_stop(struct app_session *session);

#endif
