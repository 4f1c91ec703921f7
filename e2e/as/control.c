/*
 * What is done to a running server: signals, reload, drain, metrics
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/control.h"

#include "as/file_changes.h"
#include "as/predecessor.h"
#include "as/service_state.h"
#include "as/successor.h"
#include "net/clock.h"
#include "ops/health.h"
#include "ops/history.h"
#include "server/close_matching.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SOON    1   /* seconds between two checks of a file that is changing */
#define LOOK_MS 20L /* whether the last connection has ended */

enum control_state {
    CONTROL_RUNNING,
    CONTROL_DRAINING, /* no more is accepted, and what is open comes to its end */
    CONTROL_CLOSING   /* what is still open is closed */
};

struct control {
    struct app_server *app_server;
    struct event_base *base;
    enum control_state state;
    int64_t deadline;   /* of a drain, clock_ms(); 0: none */
    const char *reason; /* for what is closed */
    struct event *look, *signals, *files;
    struct service_state service;
    struct successor *successor; /* NULL: none was started */
    int signal_fd;
};

static void close_all(struct control *control, const char *reason)
{
    control->state = CONTROL_CLOSING;
    control->reason = reason;
    (void)server_close_all(&control->app_server->server, reason);
}

/* Accept no more, and let what is open come to its end. */
static void drain(struct control *control, const char *why)
{
    struct endpoints *endpoints = &control->app_server->endpoints;
    const unsigned int seconds = control->app_server->settings.drain;

    log_event("drain", "reason", why, NULL);
    health_set_phase(HEALTH_DRAINING);
    control->state = CONTROL_DRAINING;
    control->deadline = clock_ms() + (int64_t)seconds * 1000;
    if (!endpoints->are_handed_over)
        service_state_drain(&control->service, seconds);
    endpoints_close(endpoints, &control->app_server->server);
}

static void drain_or_close(struct control *control, int number)
{
    if (control->state == CONTROL_RUNNING)
        drain(control, number == SIGINT ? "SIGINT" : "SIGTERM");
    else if (control->state == CONTROL_DRAINING)
        close_all(control, "the server was told twice to stop");
}

/* A program that is starting may have read its files before they changed. */
static void read_again(struct control *control, int number)
{
    service_state_reload(&control->service, RELOAD_ALL);
    predecessor_say_reload();
    if (control->successor != NULL)
        successor_signal(control->successor, number);
}

/* Every program that writes to a file that was renamed. */
static void reopen_logs(struct control *control, int number)
{
    app_server_reopen_logs();
    predecessor_say_reopen();
    if (control->successor != NULL)
        successor_signal(control->successor, number);
}

/* SIGUSR2: another program takes the sockets, and this one ends its connections. */

static struct log_limit limit_upgrade;

static void on_let_go(void *successor)
{
    successor_go(successor);
}

static void on_successor_ready(void *argument, pid_t pid)
{
    struct control *control = argument;
    char number[24];

    if (control->state != CONTROL_RUNNING) { /* it was told to end meanwhile */
        (void)kill(pid, SIGTERM);
        log_refused(&limit_upgrade, "upgrade", "the program ends");
        return;
    }
    (void)snprintf(number, sizeof(number), "%ld", (long)pid);
    log_event("upgrade", "result", "done", "pid", number, NULL);
    service_state_hand_over(&control->service, number);
    control->app_server->endpoints.are_handed_over = true;
    control->app_server->endpoints.closed_all = on_let_go;
    control->app_server->endpoints.argument = control->successor;
    drain(control, "SIGUSR2: a new program has taken over");
}

static void on_successor_failed(void *argument, const char *reason)
{
    (void)argument;
    log_refused(&limit_upgrade, "upgrade", reason);
}

static void start_successor(struct control *control, int number)
{
    const struct successor_answers answers = {on_successor_ready, on_successor_failed, control};
    const char *reason;

    (void)number;
    if (control->successor != NULL && successor_has_failed(control->successor)) {
        successor_free(control->successor);
        control->successor = NULL;
    }
    if (control->state != CONTROL_RUNNING || control->successor != NULL) {
        log_refused(&limit_upgrade, "upgrade", "it is under way, or the program ends");
        return;
    }
    control->successor = successor_start(control->app_server, control->base, &answers, &reason);
    if (control->successor == NULL)
        log_refused(&limit_upgrade, "upgrade", reason);
}

/* While a file is changing, the next look comes soon. */
static void look_at_files(evutil_socket_t fd, short what, void *argument)
{
    struct control *control = argument;
    struct timeval pause = {.tv_sec = control->app_server->settings.reload_interval};
    bool is_soon;

    (void)fd, (void)what;
    if (file_changes_look(control->app_server->changes, &is_soon))
        service_state_reload(&control->service, RELOAD_ALL_BUT_DEVICES);
    else if (is_soon)
        pause.tv_sec = SOON;
    loop_add_event(control->files, &pause);
}

static bool watch_files(struct control *control)
{
    const struct timeval pause = {.tv_sec = control->app_server->settings.reload_interval};

    if (pause.tv_sec == 0)
        return true;
    control->files = evtimer_new(control->base, look_at_files, control);
    return control->files != NULL && event_add(control->files, &pause) == 0;
}

/* A loop that was not told yet to accept no more may let one in at any time. */
static bool is_empty_for_good(struct app_server *app_server)
{
    return atomic_load(&app_server->endpoints.closed) >= (int)app_server->server.loops->count &&
           atomic_load(&app_server->server.pools[POOL_NOTIFY].open) == 0 &&
           atomic_load(&app_server->server.pools[POOL_UES].open) == 0;
}

/* Has --connections, or a drain, come to its end? */
static void check_end(evutil_socket_t fd, short what, void *argument)
{
    struct control *control = argument;
    struct app_server *app_server = control->app_server;
    const bool is_empty = control->state == CONTROL_RUNNING
                              ? atomic_load(&app_server->server.pools[POOL_UES].open) == 0
                              : is_empty_for_good(app_server);

    (void)fd, (void)what;
    history_take();
    if (control->state == CONTROL_RUNNING && app_server->endpoints.counted &&
        atomic_load(&app_server->endpoints.left) <= 0 && is_empty) {
        drain(control, "--connections were served");
    } else if (control->state != CONTROL_RUNNING && is_empty) {
        if (control->state == CONTROL_DRAINING) /* of the status page */
            (void)server_close_all(&app_server->server, NULL);
        (void)event_base_loopbreak(control->base);
    } else if (control->state == CONTROL_DRAINING && clock_ms() >= control->deadline) {
        close_all(control, "--drain-timeout is over");
    } else if (control->state == CONTROL_CLOSING) {
        /* one may have come from a loop that accepted it before it was told, or memory was out */
        close_all(control, control->reason);
    }
}

static const struct {
    int number;
    void (*answer)(struct control *control, int number);
} answered[] = {{SIGTERM, drain_or_close},
                {SIGINT, drain_or_close},
                {SIGHUP, read_again},
                {SIGUSR1, reopen_logs},
                {SIGUSR2, start_successor}};

#define ANSWERED (sizeof(answered) / sizeof(answered[0]))

static sigset_t answered_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ANSWERED; i++)
        (void)sigaddset(&set, answered[i].number);
    return set;
}

/* What is ignored does not wait. */
void control_hold_reopen(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGUSR1, SIG_DFL);
}

void control_hold_signals(void)
{
    const sigset_t set = answered_signals();

    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGUSR2, SIG_DFL);
}

/* A signal that could not be read waits. */
static void on_signal(evutil_socket_t fd, short what, void *argument)
{
    struct signalfd_siginfo info;

    (void)what;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    for (size_t i = 0; i < ANSWERED; i++)
        if ((uint32_t)answered[i].number == info.ssi_signo)
            answered[i].answer(argument, answered[i].number);
}

/* libevent's own signals end the process if its pipe to itself fails. */
static bool answer_signals(struct control *control)
{
    const sigset_t set = answered_signals();

    control->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (control->signal_fd < 0)
        return false;
    control->signals =
        event_new(control->base, control->signal_fd, EV_READ | EV_PERSIST, on_signal, control);
    return control->signals != NULL && event_add(control->signals, NULL) == 0;
}

static bool run(struct control *control)
{
    static const struct timeval often = {.tv_usec = LOOK_MS * 1000};
    struct app_server *app_server = control->app_server;

    control->look = event_new(control->base, -1, EV_PERSIST, check_end, control);
    if (control->look == NULL || event_add(control->look, &often) != 0 ||
        !answer_signals(control) || !watch_files(control))
        return false;
    metrics_set(METRIC_STARTED, (long)time(NULL));
    health_set_phase(HEALTH_SERVING); /* before anybody can ask */
    history_take();                   /* what is counted from now on shows */
    if (!loops_start(app_server->server.loops))
        return app_server_complain("no thread for each event loop: not enough memory or processes");
    predecessor_take_over();
    endpoints_begin(&app_server->endpoints, &app_server->server);
    log_event("start", NULL);
    if (!service_state_begin(&control->service, app_server, control->base))
        (void)app_server_complain("out of memory: the service manager is not notified");
    (void)event_base_dispatch(control->base);
    loops_stop(app_server->server.loops);
    log_event("stop", NULL);
    return true;
}

int control_run(struct app_server *app_server)
{
    struct control control = {.app_server = app_server, .base = event_base_new(), .signal_fd = -1};
    const bool done = control.base != NULL && run(&control);

    successor_free(control.successor);
    service_state_end(&control.service);
    if (control.signals != NULL)
        event_free(control.signals);
    if (control.signal_fd >= 0)
        (void)close(control.signal_fd);
    if (control.files != NULL)
        event_free(control.files);
    if (control.look != NULL)
        event_free(control.look);
    if (control.base != NULL)
        event_base_free(control.base);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
