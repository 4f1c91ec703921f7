/*
 * One of many clients that a server is measured with: comes, says something, hears it, leaves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "visitor.h"

#include "net/clock.h"
#include "net/connector.h"
#include "net/dtls.h"
#include "net/tls_lines.h"
#include "tls13_psk.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GREETING     "x\n"
#define PING         "\x40\x00\x00\x01" /* over datagrams: that of CoAP, RFC 7252 4.3 */
#define PING_SECONDS 1                  /* then it got lost, and the next one is sent */
#define PART         65536              /* octets */
#define VISITS_FIRST 1024
#define TURNS        8
#define DATAGRAM     64 /* octets of each, TASK_BULK */
#define WINDOW       8  /* datagrams of a visitor that are under way */

enum step { STEP_CONNECT, STEP_SHAKE_HANDS, STEP_GREET, STEP_HEAR, STEP_STAY };

struct visitor {
    struct counts *counts;
    const struct visit *visit;
    struct client_setup setup;
    enum step step;
    struct event event;
    int fd;
    struct connector *connector; /* while it connects */
    SSL *ssl;                    /* NULL: plain */
    int64_t began;
};

static unsigned char octets[PART]; /* what is sent; nobody writes to it */
static _Thread_local unsigned char heard[PART];

static void come(struct visitor *visitor);

static void leave(struct visitor *visitor)
{
    (void)event_del(&visitor->event);
    if (visitor->ssl != NULL)
        (void)SSL_shutdown(visitor->ssl);
    SSL_free(visitor->ssl);
    if (visitor->fd >= 0)
        (void)close(visitor->fd);
    visitor->ssl = NULL;
    visitor->fd = -1;
    ERR_clear_error();
}

static void come_again(struct visitor *visitor)
{
    leave(visitor);
    if (visitor->visit->until == 0 || clock_us() < visitor->visit->until)
        come(visitor);
    else
        free(visitor);
}

static void fail(struct visitor *visitor, const char *reason)
{
    struct counts *counts = visitor->counts;

    if (counts->failed++ == 0)
        (void)snprintf(counts->reason, sizeof(counts->reason), "%s", reason);
    if (visitor->visit->task == TASK_VISIT && counts->failed < 1000) {
        come_again(visitor);
        return;
    }
    leave(visitor);
    free(visitor);
}

static void count(struct visitor *visitor)
{
    struct counts *counts = visitor->counts;

    if (counts->visits == counts->room) {
        counts->room = counts->room == 0 ? VISITS_FIRST : 2 * counts->room;
        counts->milliseconds =
            realloc(counts->milliseconds, counts->room * sizeof(*counts->milliseconds));
        if (counts->milliseconds == NULL)
            abort();
    }
    counts->milliseconds[counts->visits++] = (float)(clock_us() - visitor->began) / 1000;
}

/* More than 0: octets; 0: the end; -1: failed; -2: not now. */
static ssize_t outcome(const struct visitor *visitor, ssize_t result)
{
    enum io_status wire;

    if (result > 0)
        return result;
    if (visitor->ssl == NULL)
        return result < 0 && errno == EAGAIN ? -2 : result;
    wire = io_status_of_ssl(visitor->ssl, (int)result);
    return wire == IO_WANT_READ || wire == IO_WANT_WRITE ? -2 : wire == IO_EOF ? 0 : -1;
}

static ssize_t say(struct visitor *visitor, const void *text, size_t length)
{
    if (visitor->ssl != NULL)
        return outcome(visitor, SSL_write(visitor->ssl, text, (int)length));
    return outcome(visitor, send(visitor->fd, text, length, MSG_NOSIGNAL));
}

static ssize_t hear(struct visitor *visitor)
{
    if (visitor->ssl != NULL)
        return outcome(visitor, SSL_read(visitor->ssl, heard, sizeof(heard)));
    return outcome(visitor, recv(visitor->fd, heard, sizeof(heard), 0));
}

static void on_ready(evutil_socket_t fd, short what, void *argument);

static bool is_udp(const struct visitor *visitor)
{
    return visitor->setup.endpoint->is_udp;
}

/* Datagrams get lost: a flight, or a ping, is sent again. */
static const struct timeval *next_retransmission(const struct visitor *visitor,
                                                 struct timeval *left)
{
    *left = (struct timeval){.tv_sec = PING_SECONDS};
    if (visitor->step == STEP_SHAKE_HANDS && DTLSv1_get_timeout(visitor->ssl, left) == 1 &&
        left->tv_sec == 0 && left->tv_usec == 0)
        left->tv_usec = 1;
    return left;
}

static void watch(struct visitor *visitor, short what)
{
    struct timeval left;

    (void)event_del(&visitor->event);
    (void)event_assign(&visitor->event, visitor->counts->loop->base, visitor->fd,
                       (short)(what | EV_PERSIST), on_ready, visitor);
    (void)event_add(&visitor->event, is_udp(visitor) && (visitor->step != STEP_STAY ||
                                                         visitor->visit->task == TASK_BULK)
                                         ? next_retransmission(visitor, &left)
                                         : NULL);
}

static bool set_up_tls(struct visitor *visitor)
{
    const struct client_setup *setup = &visitor->setup;
    const struct dtls_key key = {.octets = setup->device->ks_naf};

    visitor->ssl = SSL_new(is_udp(visitor) ? setup->dtls : setup->ctx);
    if (visitor->ssl == NULL)
        return false;
    if (is_udp(visitor))
        return dtls_set_connected(visitor->ssl, visitor->fd) &&
               dtls_psk_offer(visitor->ssl, setup->identity, &key, 1);
    return SSL_set_fd(visitor->ssl, visitor->fd) > 0 &&
           tls13_psk_offer(visitor->ssl, setup->identity, key.octets, KS_NAF_LENGTH);
}

static void connected(struct visitor *visitor)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)getsockopt(visitor->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(visitor, strerror(error));
        return;
    }
    visitor->step = STEP_GREET;
    if (visitor->visit->way == WAY_TLS) {
        if (!set_up_tls(visitor))
            abort();
        SSL_set_connect_state(visitor->ssl);
        visitor->step = STEP_SHAKE_HANDS;
    }
    on_ready(visitor->fd, EV_WRITE, visitor);
}

static void shake_hands(struct visitor *visitor)
{
    int result;

    if (is_udp(visitor))
        (void)DTLSv1_handle_timeout(visitor->ssl);
    result = SSL_do_handshake(visitor->ssl);
    if (result == 1) {
        visitor->step = STEP_GREET;
        on_ready(visitor->fd, EV_WRITE, visitor);
    } else if (outcome(visitor, result) == -2) {
        watch(visitor, EV_READ);
    } else {
        fail(visitor, "the handshake failed");
    }
}

static void greet(struct visitor *visitor)
{
    const size_t length = is_udp(visitor) ? sizeof(PING) - 1 : strlen(GREETING);

    if (say(visitor, is_udp(visitor) ? PING : GREETING, length) != (ssize_t)length) {
        fail(visitor, "nothing can be said");
        return;
    }
    visitor->step = STEP_HEAR;
    watch(visitor, EV_READ);
}

/* For each datagram that came back another one; all of them where nothing came for long. */
static void keep_window(struct visitor *visitor, short what)
{
    unsigned int free_places = (what & EV_TIMEOUT) != 0 ? WINDOW : 0;
    ssize_t got;

    while (free_places < WINDOW && (got = hear(visitor)) != -2) {
        if (got <= 0) {
            fail(visitor, "the session was closed");
            return;
        }
        visitor->counts->octets += (uint64_t)got;
        free_places++;
    }
    if (clock_us() >= visitor->visit->until) {
        leave(visitor);
        free(visitor);
        return;
    }
    while (free_places-- > 0)
        (void)say(visitor, octets, DATAGRAM);
    watch(visitor, EV_READ);
}

static void answered(struct visitor *visitor)
{
    const ssize_t got = hear(visitor);

    if (got == -2)
        return;
    if (got <= 0) {
        fail(visitor, "there was no answer");
        return;
    }
    count(visitor);
    if (visitor->visit->task == TASK_VISIT) {
        come_again(visitor);
        return;
    }
    visitor->step = STEP_STAY;
    if (visitor->visit->task == TASK_BULK && is_udp(visitor)) {
        keep_window(visitor, EV_TIMEOUT);
        return;
    }
    if (visitor->visit->task == TASK_HOLD)
        visitor->counts->bring(visitor->counts);
    watch(visitor,
          visitor->visit->task == TASK_BULK && !is_udp(visitor) ? EV_READ | EV_WRITE : EV_READ);
}

/* As much as goes, both ways. */
static void stay(struct visitor *visitor, short what)
{
    ssize_t got = 1, put = 1;

    for (int turn = 0; turn < TURNS && got > 0 && (what & EV_READ) != 0; turn++) {
        got = hear(visitor);
        visitor->counts->octets += got > 0 ? (uint64_t)got : 0;
    }
    if (got == 0 || got == -1) {
        fail(visitor, "the connection was closed");
        return;
    }
    if (visitor->visit->task != TASK_BULK)
        return;
    if (clock_us() >= visitor->visit->until) {
        leave(visitor);
        free(visitor);
        return;
    }
    for (int turn = 0; turn < TURNS && put > 0 && (what & EV_WRITE) != 0; turn++)
        put = say(visitor, octets, sizeof(octets));
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct visitor *visitor = argument;

    (void)fd;
    ERR_clear_error();
    switch (visitor->step) {
    case STEP_CONNECT:
        connected(visitor);
        break;
    case STEP_SHAKE_HANDS:
        shake_hands(visitor);
        break;
    case STEP_GREET:
        greet(visitor);
        break;
    case STEP_HEAR:
        if (what == EV_TIMEOUT)
            greet(visitor);
        else
            answered(visitor);
        break;
    default:
        if (is_udp(visitor) && visitor->visit->task == TASK_BULK)
            keep_window(visitor, what);
        else
            stay(visitor, what);
    }
}

static void flow_has_ended(void *argument, const struct client_result *result)
{
    struct visitor *visitor = argument;

    if (result->outcome != CLIENT_READY || !result->is_e2e) {
        fail(visitor, result->outcome == CLIENT_READY ? "no e2e" : result->reason);
        return;
    }
    visitor->ssl = result->ssl;
    visitor->fd = SSL_get_fd(result->ssl);
    visitor->step = STEP_GREET;
    on_ready(visitor->fd, EV_WRITE, visitor);
}

static void on_connected(void *argument, const struct connected *connected)
{
    struct visitor *visitor = argument;

    visitor->connector = NULL;
    visitor->fd = connected->fd;
    if (visitor->fd < 0)
        fail(visitor, connected->reason);
    else
        on_ready(visitor->fd, EV_WRITE, visitor);
}

static void come(struct visitor *visitor)
{
    struct connected now;

    if (visitor->visit->choose != NULL)
        visitor->visit->choose(&visitor->setup);
    visitor->began = clock_us();
    if (visitor->visit->way == WAY_FLOW) {
        if (client_start(visitor->counts->loop, &visitor->setup, NULL, flow_has_ended, visitor) ==
            NULL)
            abort();
        return;
    }
    visitor->step = STEP_CONNECT;
    visitor->connector =
        connector_start(visitor->counts->loop, visitor->setup.endpoint,
                        clock_ms() + (int64_t)CLIENT_SECONDS * 1000, on_connected, visitor, &now);
    if (visitor->connector == NULL)
        on_connected(visitor, &now);
}

bool visitor_begin(struct counts *counts, const struct visit *visit,
                   const struct client_setup *setup)
{
    struct visitor *visitor = calloc(1, sizeof(*visitor));

    if (visitor == NULL)
        return false;
    visitor->counts = counts;
    visitor->visit = visit;
    visitor->setup = *setup;
    visitor->fd = -1;
    (void)event_assign(&visitor->event, counts->loop->base, -1, 0, on_ready, visitor);
    come(visitor);
    return true;
}
