/*
 * Waiting for a socket, with a moment until when
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/io_watch.h"

#include "net/clock.h"
#include "net/dgram_bio.h"
#include "net/dtls.h"

#include <openssl/err.h>

/* Is it libssl's own timer that has run out? */
static bool is_own_timer(const struct io_watch *watch)
{
    return watch->dtls != NULL && watch->wanted != IO_PAUSED &&
           (watch->deadline == 0 || clock_ms() < watch->deadline);
}

static void call(evutil_socket_t fd, short what, void *argument)
{
    struct io_watch *watch = argument;
    bool in_time = (what & EV_TIMEOUT) == 0;

    (void)fd;
    if (!in_time && is_own_timer(watch)) {
        in_time = (what & (EV_READ | EV_WRITE)) != 0; /* at once: libssl sees to both */
        ERR_clear_error();
        if (!in_time && DTLSv1_handle_timeout(watch->dtls) >= 0) {
            io_watch_set(watch, watch->wanted, watch->deadline);
            return;
        }
    }
    watch->done(watch->argument, in_time);
}

void io_watch_init(struct io_watch *watch, struct loop *loop, int fd, io_watch_done *done,
                   void *argument)
{
    watch->fd = fd;
    watch->dtls = NULL;
    watch->done = done;
    watch->argument = argument;
    (void)event_assign(&watch->event, loop->base, fd, EV_READ | EV_PERSIST, call, watch);
}

void io_watch_init_ssl(struct io_watch *watch, struct loop *loop, SSL *ssl, io_watch_done *done,
                       void *argument)
{
    io_watch_init(watch, loop, SSL_get_fd(ssl), done, argument);
    watch->dtls = SSL_is_dtls(ssl) ? ssl : NULL;
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

/* The next moment to look again: the deadline, or libssl's timer before it. 0: there is none. */
static int64_t next_moment(const struct io_watch *watch)
{
    struct timeval left;
    int64_t own;

    if (watch->dtls == NULL || watch->wanted == IO_PAUSED ||
        DTLSv1_get_timeout(watch->dtls, &left) != 1)
        return watch->deadline;
    own = clock_ms() + (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1;
    return watch->deadline == 0 || own < watch->deadline ? own : watch->deadline;
}

/* Datagrams that come from now on wake it; one that is there already does so at once. */
static bool listen_to_datagrams(struct io_watch *watch)
{
    BIO *bio = watch->dtls == NULL ? NULL : dgram_bio_of(watch->dtls);
    const bool reads = watch->wanted == IO_WANT_READ || watch->wanted == IO_WANT_EITHER;

    if (bio == NULL)
        return false;
    dgram_bio_set_reader(bio, reads ? watch : NULL);
    return reads && dgram_bio_has_waiting(bio);
}

static void wait_as_said(struct io_watch *watch)
{
    const int64_t moment = next_moment(watch), left = moment - clock_ms();
    const struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    const short what = events_of(watch->wanted);
    const bool has_limit = moment != 0;

    if (has_limit && left <= 0) {
        event_active(&watch->event, EV_TIMEOUT, 0);
        return;
    }
    if ((event_get_events(&watch->event) & (EV_READ | EV_WRITE)) != what)
        change(watch, what);
    if (!has_limit) /* an event that waits already keeps its place in epoll: no system call */
        (void)event_remove_timer(&watch->event);
    if (has_limit || what != 0)
        loop_add_event(&watch->event, has_limit ? &limit : NULL);
}

void io_watch_set(struct io_watch *watch, enum io_status wanted, int64_t deadline)
{
    watch->wanted = wanted;
    watch->deadline = deadline;
    if (wanted == IO_OK || (deadline != 0 && deadline <= clock_ms())) {
        io_watch_cancel(watch);
        event_active(&watch->event, wanted == IO_OK ? EV_READ : EV_TIMEOUT, 0);
        return;
    }
    if (watch->dtls != NULL && wanted == IO_WANT_READ)
        dtls_release_buffers(watch->dtls);
    wait_as_said(watch);
    if (listen_to_datagrams(watch))
        io_watch_wake(watch);
}

void io_watch_wake(struct io_watch *watch)
{
    event_active(&watch->event, EV_READ, 0);
}

void io_watch_cancel(struct io_watch *watch)
{
    BIO *bio = watch->dtls == NULL ? NULL : dgram_bio_of(watch->dtls);

    (void)event_del(&watch->event);
    if (bio != NULL && dgram_bio_reader(bio) == watch)
        dgram_bio_set_reader(bio, NULL);
}
