/*
 * What the service manager is told of the server: ready, what it does, and that its loops turn
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVICE_STATE_H
#define SERVICE_STATE_H

#include "as/app_server_setup.h"
#include "as/reload.h"
#include "ops/service_manager.h"

#include <event2/event.h>

struct service_state {
    struct app_server *app_server;
    struct event *tick;
    bool is_over;                    /* it was handed over */
    const char *doing;               /* "serving", "draining" */
    char refused[RELOAD_FAULT_SIZE]; /* why the last reload was; empty: it was not */
    char said[SERVICE_STATUS_SIZE];  /* the last status */
};

/* It serves from now on; on the loop of control. False: out of memory. */
bool service_state_begin(struct service_state *state, struct app_server *app_server,
                         struct event_base *base);

/* Read files again, and say so before and behind. */
void service_state_reload(struct service_state *state, enum reload_what what);

/* It is ending, and may take so many seconds. */
void service_state_drain(struct service_state *state, unsigned int seconds);

/* Another process serves from now on: its number. Nothing is said any more. */
void service_state_hand_over(struct service_state *state, const char *pid);

void service_state_end(struct service_state *state);

#endif
