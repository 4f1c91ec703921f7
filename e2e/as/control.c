/*
 * What is done to a running server: signals, reload, drain, metrics
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/control.h"

#include "as/reload.h"
#include "net/clock.h"
#include "ops/metrics_http.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define LOOK_MS 20L /* whether the last connection has ended */

enum state { RUNNING, DRAINING, CLOSING };

struct control {
    struct app_server *app_server;
    struct event_base *base;
    enum state state;
    int64_t deadline; /* of a drain, clock_ms(); 0: none */
    struct event *look;
    struct metrics_http *metrics;
};

static void close_all(struct control *control, const char *reason)
{
    control->state = CLOSING;
    (void)server_close_all(&control->app_server->server, reason);
}

/* Accept no more, and let what is open come to its end. */
static void drain(struct control *control, const char *why)
{
    const unsigned int seconds = control->app_server->drain;

    log_event("drain", "reason", why, NULL);
    control->state = DRAINING;
    control->deadline = clock_ms() + (int64_t)seconds * 1000;
    metrics_http_set_draining(control->metrics);
    endpoints_close(&control->app_server->endpoints, &control->app_server->server);
}

static void on_end(evutil_socket_t number, short what, void *argument)
{
    struct control *control = argument;

    (void)what;
    if (control->state == RUNNING)
        drain(control, number == SIGINT ? "SIGINT" : "SIGTERM");
    else if (control->state == DRAINING)
        close_all(control, "the server was told twice to stop");
}

static void on_reload(evutil_socket_t number, short what, void *argument)
{
    const struct control *control = argument;

    (void)number, (void)what;
    reload(control->app_server);
}

/* Has --connections, or a drain, come to its end? */
static void look(evutil_socket_t fd, short what, void *argument)
{
    struct control *control = argument;
    struct app_server *app_server = control->app_server;
    const bool is_empty = atomic_load(&app_server->server.open) == 0;

    (void)fd, (void)what;
    if (control->state == RUNNING && app_server->endpoints.counted &&
        atomic_load(&app_server->endpoints.left) <= 0 && is_empty) {
        drain(control, "--connections were served");
    } else if (control->state != RUNNING && is_empty) {
        (void)event_base_loopbreak(control->base);
    } else if (control->state == DRAINING && clock_ms() >= control->deadline) {
        close_all(control, "--drain-timeout is over");
    }
}

static const struct {
    int number;
    event_callback_fn function;
} answered[] = {{SIGTERM, on_end}, {SIGINT, on_end}, {SIGHUP, on_reload}};

#define ANSWERED (sizeof(answered) / sizeof(answered[0]))

static void mask_signals(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ANSWERED; i++)
        (void)sigaddset(&set, answered[i].number);
    (void)pthread_sigmask(how, &set, NULL);
}

void control_hold_signals(void)
{
    mask_signals(SIG_BLOCK);
}

static bool add_signals(struct control *control, struct event *signals[ANSWERED])
{
    for (size_t i = 0; i < ANSWERED; i++) {
        signals[i] = evsignal_new(control->base, answered[i].number, answered[i].function, control);
        if (signals[i] == NULL || event_add(signals[i], NULL) != 0)
            return false;
    }
    mask_signals(SIG_UNBLOCK);
    return true;
}

static bool run(struct control *control, struct event *signals[ANSWERED])
{
    static const struct timeval often = {.tv_usec = LOOK_MS * 1000};
    struct app_server *app_server = control->app_server;

    control->look = event_new(control->base, -1, EV_PERSIST, look, control);
    if (control->look == NULL || event_add(control->look, &often) != 0 ||
        !add_signals(control, signals))
        return false;
    if (app_server->options->metrics != NULL &&
        (control->metrics = metrics_http_new(control->base, app_server->options->metrics)) == NULL)
        return false;
    if (!loops_start(app_server->server.loops))
        return false;
    log_event("start", NULL);
    (void)event_base_dispatch(control->base);
    loops_stop(app_server->server.loops);
    log_event("stop", NULL);
    return true;
}

int control_run(struct app_server *app_server)
{
    struct control control = {.app_server = app_server, .base = event_base_new()};
    struct event *signals[ANSWERED] = {NULL};
    const bool done = control.base != NULL && run(&control, signals);

    metrics_http_free(control.metrics);
    for (size_t i = 0; i < ANSWERED; i++)
        if (signals[i] != NULL)
            event_free(signals[i]);
    if (control.look != NULL)
        event_free(control.look);
    if (control.base != NULL)
        event_base_free(control.base);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
