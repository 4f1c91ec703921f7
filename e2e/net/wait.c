/*
 * Waiting for a socket, with a moment until when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/wait.h"

#include "net/clock.h"

static void call(evutil_socket_t fd, short what, void *argument)
{
    struct wait *wait = argument;

    (void)fd;
    wait->done(wait->argument, (what & EV_TIMEOUT) == 0);
}

void wait_begin(struct wait *wait, struct loop *loop, int fd, wait_done *done, void *argument)
{
    wait->fd = fd;
    wait->done = done;
    wait->argument = argument;
    (void)event_assign(&wait->event, loop->base, fd, EV_READ | EV_PERSIST, call, wait);
}

/* What an event waits for cannot be changed: it becomes another. */
static void change(struct wait *wait, short what)
{
    wait_end(wait);
    (void)event_assign(&wait->event, event_get_base(&wait->event), what == 0 ? -1 : wait->fd,
                       (short)(what | EV_PERSIST), call, wait);
}

static short events_of(enum wire_result wanted)
{
    switch (wanted) {
    case WIRE_WANT_READ:
        return EV_READ;
    case WIRE_WANT_WRITE:
        return EV_WRITE;
    case WIRE_WANT_EITHER:
        return EV_READ | EV_WRITE;
    default:
        return 0;
    }
}

void wait_for(struct wait *wait, enum wire_result wanted, int64_t deadline)
{
    const int64_t left = deadline - clock_ms();
    const struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    const short what = events_of(wanted);

    if (wanted == WIRE_OK || (deadline != 0 && left <= 0)) {
        wait_end(wait);
        event_active(&wait->event, wanted == WIRE_OK ? EV_READ : EV_TIMEOUT, 0);
        return;
    }
    if ((event_get_events(&wait->event) & (EV_READ | EV_WRITE)) != what)
        change(wait, what);
    if (deadline == 0) /* an event that waits already keeps its place in epoll: no system call */
        (void)event_remove_timer(&wait->event);
    if (deadline != 0 || what != 0)
        (void)event_add(&wait->event, deadline == 0 ? NULL : &limit);
}

void wait_end(struct wait *wait)
{
    (void)event_del(&wait->event);
}
