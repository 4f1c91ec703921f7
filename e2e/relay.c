/*
 * The relay: a TLS connection's octets to and from an application that knows nothing of all this
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "relay.h"

#include "clock.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 16384 /* octets of a TLS record at most */
#define TURNS  8     /* parts of one connection before others have their turn */

/* What stops a direction for now. */
enum stop { STOP_NOT, STOP_TURN, STOP_WAITING, STOP_ENDED, STOP_BROKEN };

/* One direction: what was read and is not yet written, how far it has come, what it waits for. */
struct direction {
    unsigned char *held;
    size_t length, sent; /* of held */
    bool source_ended, sink_ended;
    enum stop stop;
    short ssl_wanted, plain_wanted; /* EV_READ, EV_WRITE */
};

struct relay {
    SSL *ssl;
    int plain;
    struct event on_ssl, on_plain;
    struct direction up, down; /* up: from TLS to plain */
    const char *fault;
    int64_t *active;
    relay_ended *ended;
    void *argument;
};

/* What is read goes through here; nothing stays in it while a loop does something else. */
static _Thread_local unsigned char scratch[RELAY_PART];

static enum stop broken(struct relay *relay, const char *fault)
{
    relay->fault = fault;
    return STOP_BROKEN;
}

/* What libssl's result means for the direction that wants to go on. */
static enum stop ssl_outcome(struct relay *relay, struct direction *direction, int result)
{
    switch (SSL_get_error(relay->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        direction->ssl_wanted = EV_READ;
        return STOP_WAITING;
    case SSL_ERROR_WANT_WRITE:
        direction->ssl_wanted = EV_WRITE;
        return STOP_WAITING;
    case SSL_ERROR_ZERO_RETURN:
        return STOP_ENDED;
    default:
        ERR_clear_error();
        return broken(relay, "the UE's connection broke");
    }
}

/* Read from TLS what there is, whole records, as far as scratch has room. */
static enum stop read_ssl(struct relay *relay, struct direction *direction, size_t *length)
{
    enum stop stop = STOP_NOT;

    for (*length = 0; stop == STOP_NOT && *length + RECORD <= sizeof(scratch);) {
        const int got = SSL_read(relay->ssl, scratch + *length, RECORD);

        if (got > 0)
            *length += (size_t)got;
        else
            stop = ssl_outcome(relay, direction, got);
    }
    return stop;
}

static enum stop read_plain(struct relay *relay, struct direction *direction, size_t *length)
{
    const ssize_t got = read(relay->plain, scratch, sizeof(scratch));

    *length = got > 0 ? (size_t)got : 0;
    if (*length == sizeof(scratch))
        return STOP_NOT;
    if (got == 0)
        return STOP_ENDED;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return broken(relay, "the application's connection broke");
    direction->plain_wanted = EV_READ;
    return STOP_WAITING;
}

static enum stop write_ssl(struct relay *relay, struct direction *direction,
                           const unsigned char *octets, size_t length, size_t *sent)
{
    enum stop stop = STOP_NOT;

    while (stop == STOP_NOT && *sent < length) {
        const int put = SSL_write(relay->ssl, octets + *sent, (int)(length - *sent));

        if (put > 0)
            *sent += (size_t)put;
        else
            stop = ssl_outcome(relay, direction, put);
    }
    return stop;
}

static enum stop write_plain(struct relay *relay, struct direction *direction,
                             const unsigned char *octets, size_t length, size_t *sent)
{
    while (*sent < length) {
        const ssize_t put = send(relay->plain, octets + *sent, length - *sent, MSG_NOSIGNAL);

        if (put < 0 && errno != EAGAIN && errno != EINTR)
            return broken(relay, "the application's connection broke");
        if (put < 0) {
            direction->plain_wanted = EV_WRITE;
            return STOP_WAITING;
        }
        *sent += (size_t)put;
    }
    return STOP_NOT;
}

/* Pass the end of the other side on. */
static enum stop end_ssl(struct relay *relay, struct direction *direction)
{
    const int result = SSL_shutdown(relay->ssl);

    return result >= 0 ? STOP_ENDED : ssl_outcome(relay, direction, result);
}

static enum stop end_plain(struct relay *relay, struct direction *direction)
{
    (void)direction;
    if (shutdown(relay->plain, SHUT_WR) == 0)
        return STOP_ENDED;
    return broken(relay, "the application's connection broke");
}

/* The two directions differ in what they read from and write to. */
struct way {
    enum stop (*read)(struct relay *relay, struct direction *direction, size_t *length);
    enum stop (*write)(struct relay *relay, struct direction *direction,
                       const unsigned char *octets, size_t length, size_t *sent);
    enum stop (*end)(struct relay *relay, struct direction *direction);
};

static const struct way way_up = {read_ssl, write_plain, end_plain};
static const struct way way_down = {read_plain, write_ssl, end_ssl};

static void let_go(struct direction *direction)
{
    OPENSSL_clear_free(direction->held, direction->length);
    direction->held = NULL;
    direction->length = direction->sent = 0;
}

static bool hold(struct direction *direction, const unsigned char *octets, size_t length)
{
    direction->held = OPENSSL_memdup(octets, length);
    direction->length = length;
    return direction->held != NULL;
}

/* Write what is held; then read, and hold what the other side does not take. */
static enum stop move_part(struct relay *relay, struct direction *direction, const struct way *way)
{
    enum stop reading, writing;
    size_t length = 0, sent = 0;

    if (direction->held != NULL) {
        writing =
            way->write(relay, direction, direction->held, direction->length, &direction->sent);
        if (writing != STOP_NOT)
            return writing;
        let_go(direction);
    }
    if (direction->source_ended) {
        writing = way->end(relay, direction);
        direction->sink_ended = writing == STOP_ENDED;
        return writing;
    }
    reading = way->read(relay, direction, &length);
    direction->source_ended = reading == STOP_ENDED;
    if (length == 0)
        return direction->source_ended ? STOP_NOT : reading;
    *relay->active = clock_ms();
    writing = way->write(relay, direction, scratch, length, &sent);
    if (writing == STOP_WAITING && !hold(direction, scratch + sent, length - sent))
        return broken(relay, "out of memory");
    if (writing != STOP_NOT)
        return writing;
    return direction->source_ended ? STOP_NOT : reading;
}

static void move(struct relay *relay, struct direction *direction, const struct way *way)
{
    unsigned int turns = 0;

    direction->ssl_wanted = direction->plain_wanted = 0;
    do
        direction->stop = turns < TURNS ? move_part(relay, direction, way) : STOP_TURN;
    while (turns++ < TURNS && direction->stop == STOP_NOT);
}

static void watch(struct event *event, short wanted)
{
    if ((event_get_events(event) & (EV_READ | EV_WRITE)) == wanted &&
        (wanted == 0 || event_pending(event, wanted, NULL)))
        return;
    (void)event_del(event);
    if (wanted == 0)
        return;
    (void)event_assign(event, event_get_base(event), event_get_fd(event),
                       (short)(wanted | EV_PERSIST), event_get_callback(event),
                       event_get_callback_arg(event));
    (void)event_add(event, NULL);
}

/* Wait for what the directions wait for. */
static void watch_both(struct relay *relay)
{
    watch(&relay->on_plain, (short)(relay->up.plain_wanted | relay->down.plain_wanted));
    watch(&relay->on_ssl, (short)(relay->up.ssl_wanted | relay->down.ssl_wanted));
    if (relay->up.stop == STOP_TURN || relay->down.stop == STOP_TURN)
        event_active(&relay->on_plain, EV_TIMEOUT, 0);
}

static void release(struct relay *relay, bool broken_off)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (broken_off) {
        (void)setsockopt(relay->plain, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        SSL_set_quiet_shutdown(relay->ssl, 1); /* no close_notify: cut off, not ended */
    }
    (void)event_del(&relay->on_ssl);
    (void)event_del(&relay->on_plain);
    (void)close(relay->plain);
    let_go(&relay->up);
    let_go(&relay->down);
    OPENSSL_free(relay);
}

static void end(struct relay *relay, const char *reason)
{
    relay_ended *ended = relay->ended;
    void *argument = relay->argument;

    release(relay, reason != NULL);
    ended(argument, reason);
}

/* Has a direction waited for this, or for its turn? */
static bool is_ready(const struct direction *direction, short wanted, short what)
{
    return direction->stop == STOP_TURN ||
           (direction->stop == STOP_WAITING && (wanted & what) != 0);
}

static void go_on(struct relay *relay, bool up, bool down)
{
    ERR_clear_error(); /* SSL_get_error() looks at it */
    if (up)
        move(relay, &relay->up, &way_up);
    if (down)
        move(relay, &relay->down, &way_down);
    if (relay->up.stop == STOP_BROKEN || relay->down.stop == STOP_BROKEN)
        end(relay, relay->fault);
    else if (relay->up.stop == STOP_ENDED && relay->down.stop == STOP_ENDED)
        end(relay, NULL);
    else
        watch_both(relay);
}

static void ssl_is_ready(evutil_socket_t fd, short what, void *argument)
{
    struct relay *relay = argument;

    (void)fd;
    go_on(relay, is_ready(&relay->up, relay->up.ssl_wanted, what),
          is_ready(&relay->down, relay->down.ssl_wanted, what));
}

static void plain_is_ready(evutil_socket_t fd, short what, void *argument)
{
    struct relay *relay = argument;

    (void)fd;
    go_on(relay, is_ready(&relay->up, relay->up.plain_wanted, what),
          is_ready(&relay->down, relay->down.plain_wanted, what));
}

struct relay *relay_start(struct event_base *base, SSL *ssl, int plain, const unsigned char *first,
                          size_t first_length, int64_t *active, relay_ended *ended, void *argument)
{
    struct relay *relay = OPENSSL_zalloc(sizeof(*relay));

    if (relay == NULL || (first_length > 0 && !hold(&relay->up, first, first_length))) {
        OPENSSL_free(relay);
        (void)close(plain);
        return NULL;
    }
    relay->ssl = ssl;
    relay->plain = plain;
    relay->active = active;
    relay->ended = ended;
    relay->argument = argument;
    relay->up.stop = relay->down.stop = STOP_TURN;
    (void)event_assign(&relay->on_ssl, base, SSL_get_fd(ssl), 0, ssl_is_ready, relay);
    (void)event_assign(&relay->on_plain, base, plain, 0, plain_is_ready, relay);
    event_active(&relay->on_plain, EV_TIMEOUT, 0);
    return relay;
}

void relay_stop(struct relay *relay)
{
    release(relay, true);
}
