/*
 * SIGUSR2: the program is started again, on the same sockets, and this one ends its connections
 *
 * It is the program at the path that this one was started from, with the same command line: after
 * an upgrade another one. Its sockets are given to it as a service manager does (inherited.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUCCESSOR_H
#define SUCCESSOR_H

#include "as/app_server_setup.h"

#include <event2/event.h>
#include <sys/types.h>

#define SUCCESSOR_SECONDS 60 /* for the new program to serve */

/* The outcome: it serves; or it does not, and this program continues. */
struct successor_answers {
    void (*ready)(void *argument, pid_t pid);
    void (*failed)(void *argument, const char *reason);
    void *argument;
};

struct successor;

/* First in main(): the path and the command line, which are kept. */
void successor_remember(char *const argv[]);

/*
 * Start it; the answer comes from base, later. What it says from then on, to reload, to revoke or
 * to open the logs again, is done here as well. NULL: reason says why not.
 */
struct successor *successor_start(struct app_server *app_server, struct event_base *base,
                                  const struct successor_answers *answers, const char **reason);

/* SIGHUP or SIGUSR1 that came to this program: it answers once it serves. */
void successor_signal(const struct successor *successor, int number);

/* It has ended before it served, or too late, and can only be freed. */
bool successor_has_failed(const struct successor *successor);

/* This program accepts no more; on any thread. */
void successor_go(struct successor *successor);

/* One that does not serve yet is ended. NULL is fine. */
void successor_free(struct successor *successor);

#endif
