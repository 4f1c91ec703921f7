/*
 * What the service manager is told of the server: ready, what it does, and that its loops turn
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/service_state.h"

#include "ops/heartbeat.h"

#include <stdio.h>
#include <string.h>

#define TICK_MS 1000 /* between two looks, or less if a watchdog wants it */
#define SPARE   5    /* seconds that the end of a drain may take */

/* Roles, connections, and what is wrong. */
static void write_status(const struct service_state *state, char text[SERVICE_STATUS_SIZE])
{
    const struct app_server_roles *roles = &state->app_server->roles;

    (void)snprintf(
        text, SERVICE_STATUS_SIZE, "%s:%s%s%s; connections of UEs: %u%s%s", state->doing,
        roles->naf ? " NAF" : "", roles->third_party ? " third-party" : "",
        roles->endpoint ? " endpoint" : "",
        atomic_load(&state->app_server->server.pools[POOL_UES].open),
        state->refused[0] == '\0' ? "" : "; the last reload was refused: ", state->refused);
}

static void notify_manager(struct service_state *state, const char *what)
{
    write_status(state, state->said);
    service_say(what, state->said);
}

/* The status if it is another one; WATCHDOG=1 unless a loop does not turn. */
static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct service_state *state = argument;
    const int64_t watchdog = service_watchdog_ms();
    char now[SERVICE_STATUS_SIZE];

    (void)fd, (void)what;
    if (watchdog > 0 && heartbeat_age(state->app_server->heartbeat) < watchdog / 2 + HEARTBEAT_MS)
        service_say("WATCHDOG=1", NULL);
    write_status(state, now);
    if (strcmp(now, state->said) != 0)
        notify_manager(state, "");
}

bool service_state_begin(struct service_state *state, struct app_server *app_server,
                         struct event_base *base)
{
    const int64_t watchdog = service_watchdog_ms();
    const long ms = watchdog > 0 && watchdog / 4 < TICK_MS ? (long)watchdog / 4 + 1 : TICK_MS;
    const struct timeval interval = {ms / 1000, ms % 1000 * 1000};

    state->app_server = app_server;
    state->doing = "serving";
    state->tick = event_new(base, -1, EV_PERSIST, on_tick, state);
    if (state->tick == NULL || event_add(state->tick, &interval) != 0)
        return false;
    notify_manager(state, "READY=1");
    return true;
}

void service_state_reload(struct service_state *state, enum reload_what what)
{
    char fault[RELOAD_FAULT_SIZE];

    if (!state->is_over)
        service_say_reloading();
    if (reload(state->app_server, what, fault))
        fault[0] = '\0';
    memcpy(state->refused, fault, sizeof(fault));
    if (!state->is_over)
        notify_manager(state, "READY=1");
}

void service_state_drain(struct service_state *state, unsigned int seconds)
{
    char what[80];

    state->doing = "draining";
    (void)snprintf(what, sizeof(what), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
                   ((long long)seconds + SPARE) * 1000000);
    notify_manager(state, what);
}

void service_state_hand_over(struct service_state *state, const char *pid)
{
    char what[80];

    (void)snprintf(what, sizeof(what), "READY=1\nMAINPID=%s", pid);
    service_say(what, NULL);
    state->is_over = true;
    if (state->tick != NULL)
        (void)event_del(state->tick);
}

void service_state_end(struct service_state *state)
{
    if (state->tick != NULL)
        event_free(state->tick);
}
