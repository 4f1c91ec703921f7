/*
 * Waiting for a socket, with a moment until when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/io_watch.h"

#include "net/clock.h"

static void call(evutil_socket_t fd, short what, void *argument)
{
    struct io_watch *watch = argument;

    (void)fd;
    watch->done(watch->argument, (what & EV_TIMEOUT) == 0);
}

void io_watch_init(struct io_watch *watch, struct loop *loop, int fd, io_watch_done *done,
                   void *argument)
{
    watch->fd = fd;
    watch->done = done;
    watch->argument = argument;
    (void)event_assign(&watch->event, loop->base, fd, EV_READ | EV_PERSIST, call, watch);
}

/* What an event waits for cannot be changed: it becomes another. */
static void change(struct io_watch *watch, short what)
{
    io_watch_cancel(watch);
    (void)event_assign(&watch->event, event_get_base(&watch->event), what == 0 ? -1 : watch->fd,
                       (short)(what | EV_PERSIST), call, watch);
}

static short events_of(enum io_status wanted)
{
    switch (wanted) {
    case IO_WANT_READ:
        return EV_READ;
    case IO_WANT_WRITE:
        return EV_WRITE;
    case IO_WANT_EITHER:
        return EV_READ | EV_WRITE;
    default:
        return 0;
    }
}

void io_watch_set(struct io_watch *watch, enum io_status wanted, int64_t deadline)
{
    const int64_t left = deadline - clock_ms();
    const struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    const short what = events_of(wanted);

    if (wanted == IO_OK || (deadline != 0 && left <= 0)) {
        io_watch_cancel(watch);
        event_active(&watch->event, wanted == IO_OK ? EV_READ : EV_TIMEOUT, 0);
        return;
    }
    if ((event_get_events(&watch->event) & (EV_READ | EV_WRITE)) != what)
        change(watch, what);
    if (deadline == 0) /* an event that waits already keeps its place in epoll: no system call */
        (void)event_remove_timer(&watch->event);
    if (deadline != 0 || what != 0)
        loop_add_event(&watch->event, deadline == 0 ? NULL : &limit);
}

void io_watch_cancel(struct io_watch *watch)
{
    (void)event_del(&watch->event);
}
