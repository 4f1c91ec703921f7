/*
 * The relay: a TLS connection's octets to and from an application that knows nothing of all this
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/relay.h"

#include "net/clock.h"
#include "net/tls_backlog.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* What stops a direction for now. */
enum relay_status { RELAY_OK, RELAY_YIELD, RELAY_BLOCKED, RELAY_EOF, RELAY_ERROR };

/* One direction: what was read and is not yet written, how far it has come, what it waits for. */
struct direction {
    unsigned char *held;
    size_t length, sent; /* of held */
    int64_t moved;       /* clock_ms() of the last octet */
    bool source_ended;
    enum relay_status status;
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

/* The two directions differ in what they read from and write to. part: RELAY_PART octets. */
struct relay_ops {
    /* RELAY_OK: what was written before has gone, and write() or end() may be called. */
    enum relay_status (*flush)(struct relay *relay, struct direction *direction);
    enum relay_status (*read)(struct relay *relay, struct direction *direction, unsigned char *part,
                              size_t *length);
    enum relay_status (*write)(struct relay *relay, struct direction *direction,
                               const unsigned char *octets, size_t length, size_t *sent);
    enum relay_status (*end)(struct relay *relay, struct direction *direction);
};

#define RECORD 16384 /* octets of a TLS record at most */

static enum relay_status relay_broken(struct relay *relay, const char *fault)
{
    relay->fault = fault;
    return RELAY_ERROR;
}

/* What libssl's result means for the direction that wants to continue. */
static enum relay_status ssl_outcome(struct relay *relay, struct direction *direction, int result)
{
    switch (SSL_get_error(relay->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        direction->ssl_wanted = EV_READ;
        return RELAY_BLOCKED;
    case SSL_ERROR_WANT_WRITE:
        direction->ssl_wanted = EV_WRITE;
        return RELAY_BLOCKED;
    case SSL_ERROR_ZERO_RETURN:
        return RELAY_EOF;
    default:
        ERR_clear_error();
        return relay_broken(relay, "the UE's connection broke");
    }
}

/*
 * Read from TLS what there is, whole records, as far as part has room. libssl reads ahead, and what
 * it holds shows on no socket: only when it holds nothing, or SSL_read() finds no whole record, may
 * a direction wait. A record that is not full is the last one as a rule: to ask for another would
 * be one system call more for each.
 */
static enum relay_status read_ssl(struct relay *relay, struct direction *direction,
                                  unsigned char *part, size_t *length)
{
    enum relay_status status = RELAY_OK;

    for (*length = 0; status == RELAY_OK && *length + RECORD <= RELAY_PART;) {
        const int got = SSL_read(relay->ssl, part + *length, RECORD);

        if (got <= 0) {
            status = ssl_outcome(relay, direction, got);
            break;
        }
        *length += (size_t)got;
        if (got < RECORD && !SSL_has_pending(relay->ssl)) {
            direction->ssl_wanted = EV_READ;
            status = RELAY_BLOCKED;
        }
    }
    return status;
}

static enum relay_status read_plain(struct relay *relay, struct direction *direction,
                                    unsigned char *part, size_t *length)
{
    const ssize_t got = read(relay->plain, part, RELAY_PART);

    *length = got > 0 ? (size_t)got : 0;
    if (*length == RELAY_PART)
        return RELAY_OK;
    if (got == 0)
        return RELAY_EOF;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return relay_broken(relay, "the application's connection broke");
    direction->plain_wanted = EV_READ;
    return RELAY_BLOCKED;
}

static enum relay_status flush_ssl(struct relay *relay, struct direction *direction)
{
    const size_t before = tls_backlog_length(relay->ssl);
    const int flushed = tls_backlog_flush(relay->ssl);

    if (tls_backlog_length(relay->ssl) < before)
        direction->moved = clock_ms();
    if (flushed < 0)
        return relay_broken(relay, "the UE's connection broke");
    if (flushed == 0)
        direction->ssl_wanted = EV_WRITE;
    return flushed == 0 ? RELAY_BLOCKED : RELAY_OK;
}

static enum relay_status flush_plain(struct relay *relay, struct direction *direction)
{
    (void)relay, (void)direction;
    return RELAY_OK;
}

static enum relay_status write_ssl(struct relay *relay, struct direction *direction,
                                   const unsigned char *octets, size_t length, size_t *sent)
{
    enum relay_status status = RELAY_OK;

    while (status == RELAY_OK && *sent < length) {
        const int written = SSL_write(relay->ssl, octets + *sent, (int)(length - *sent));

        if (written > 0)
            *sent += (size_t)written;
        else
            status = ssl_outcome(relay, direction, written);
        if (status == RELAY_OK && *sent < length)
            status = flush_ssl(relay, direction);
    }
    return status;
}

static enum relay_status write_plain(struct relay *relay, struct direction *direction,
                                     const unsigned char *octets, size_t length, size_t *sent)
{
    while (*sent < length) {
        const ssize_t written = send(relay->plain, octets + *sent, length - *sent, MSG_NOSIGNAL);

        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return relay_broken(relay, "the application's connection broke");
        if (written < 0) {
            direction->plain_wanted = EV_WRITE;
            return RELAY_BLOCKED;
        }
        *sent += (size_t)written;
    }
    return RELAY_OK;
}

/* Pass the end of the other side on. */
static enum relay_status end_ssl(struct relay *relay, struct direction *direction)
{
    const bool is_said = (SSL_get_shutdown(relay->ssl) & SSL_SENT_SHUTDOWN) != 0;
    const int result = is_said ? 1 : SSL_shutdown(relay->ssl);
    enum relay_status status;

    if (result < 0)
        return ssl_outcome(relay, direction, result);
    status = flush_ssl(relay, direction);
    return status == RELAY_OK ? RELAY_EOF : status;
}

static enum relay_status end_plain(struct relay *relay, struct direction *direction)
{
    (void)direction;
    if (shutdown(relay->plain, SHUT_WR) == 0)
        return RELAY_EOF;
    return relay_broken(relay, "the application's connection broke");
}

static const struct relay_ops relay_up = {flush_plain, read_ssl, write_plain, end_plain};
static const struct relay_ops relay_down = {flush_ssl, read_plain, write_ssl, end_ssl};

#define TURNS 8 /* parts of one connection before others have their turn */

/* What is read goes through here, and is cleansed when it has. */
static _Thread_local unsigned char scratch[RELAY_PART];

static void free_held(struct direction *direction)
{
    OPENSSL_clear_free(direction->held, direction->length);
    direction->held = NULL;
    direction->length = direction->sent = 0;
}

static bool hold_back(struct direction *direction, const unsigned char *octets, size_t length)
{
    direction->held = OPENSSL_memdup(octets, length);
    direction->length = length;
    direction->moved = clock_ms();
    return direction->held != NULL;
}

static enum relay_status write_part(struct relay *relay, struct direction *direction,
                                    const struct relay_ops *ops, const unsigned char *octets,
                                    size_t length, size_t *sent)
{
    const size_t before = *sent;
    const enum relay_status status = ops->write(relay, direction, octets, length, sent);

    if (*sent > before)
        direction->moved = clock_ms();
    return status;
}

static enum relay_status write_held(struct relay *relay, struct direction *direction,
                                    const struct relay_ops *ops)
{
    enum relay_status status = ops->flush(relay, direction);

    if (status != RELAY_OK || direction->held == NULL)
        return status;
    status =
        write_part(relay, direction, ops, direction->held, direction->length, &direction->sent);
    if (status == RELAY_OK)
        free_held(direction);
    return status;
}

/* Read, write, and hold what the other side does not take. */
static enum relay_status read_part(struct relay *relay, struct direction *direction,
                                   const struct relay_ops *ops)
{
    size_t length = 0, sent = 0;
    const enum relay_status reading = ops->read(relay, direction, scratch, &length);
    enum relay_status writing = write_part(relay, direction, ops, scratch, length, &sent);

    direction->source_ended = reading == RELAY_EOF;
    if (writing == RELAY_BLOCKED && !hold_back(direction, scratch + sent, length - sent))
        writing = relay_broken(relay, "out of memory");
    OPENSSL_cleanse(scratch, length);
    if (writing != RELAY_OK)
        return writing;
    return direction->source_ended ? RELAY_OK : reading; /* the end is passed on next */
}

static enum relay_status move_part(struct relay *relay, struct direction *direction,
                                   const struct relay_ops *ops)
{
    const enum relay_status status = write_held(relay, direction, ops);

    if (status != RELAY_OK)
        return status;
    return direction->source_ended ? ops->end(relay, direction) : read_part(relay, direction, ops);
}

static void move(struct relay *relay, struct direction *direction, const struct relay_ops *ops)
{
    unsigned int turns = 0;

    direction->ssl_wanted = direction->plain_wanted = 0;
    do
        direction->status = turns < TURNS ? move_part(relay, direction, ops) : RELAY_YIELD;
    while (turns++ < TURNS && direction->status == RELAY_OK);
}

static bool watch(struct event *event, short wanted)
{
    if ((event_get_events(event) & (EV_READ | EV_WRITE)) == wanted &&
        (wanted == 0 || event_pending(event, wanted, NULL)))
        return true;
    (void)event_del(event);
    if (wanted == 0)
        return true;
    (void)event_assign(event, event_get_base(event), event_get_fd(event),
                       (short)(wanted | EV_PERSIST), event_get_callback(event),
                       event_get_callback_arg(event));
    return event_add(event, NULL) == 0;
}

/* Wait for what the directions wait for, and for room for what libssl has said by itself. */
static bool watch_both(struct relay *relay)
{
    const short said = tls_backlog_length(relay->ssl) > 0 ? EV_WRITE : 0;

    if (!watch(&relay->on_plain, (short)(relay->up.plain_wanted | relay->down.plain_wanted)) ||
        !watch(&relay->on_ssl, (short)(relay->up.ssl_wanted | relay->down.ssl_wanted | said)))
        return false;
    if (relay->up.status == RELAY_YIELD || relay->down.status == RELAY_YIELD)
        event_active(&relay->on_plain, EV_TIMEOUT, 0);
    return true;
}

/* Both sides are to see that it was cut off, not ended. */
static void cut_off(const struct relay *relay)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(relay->plain, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    SSL_set_quiet_shutdown(relay->ssl, 1); /* no close_notify */
}

static void relay_free(struct relay *relay)
{
    (void)event_del(&relay->on_ssl);
    (void)event_del(&relay->on_plain);
    (void)close(relay->plain);
    free_held(&relay->up);
    free_held(&relay->down);
    OPENSSL_free(relay);
}

static void relay_finish(struct relay *relay, const char *reason)
{
    relay_ended *ended = relay->ended;
    void *argument = relay->argument;

    if (reason != NULL)
        cut_off(relay);
    relay_free(relay);
    ended(argument, reason);
}

/* Move a direction that has waited for what is ready now, or for its turn. */
static void move_if_ready(struct relay *relay, struct direction *direction,
                          const struct relay_ops *ops, int ready)
{
    ERR_clear_error(); /* SSL_get_error() looks at it */
    if (direction->status == RELAY_YIELD || (direction->status == RELAY_BLOCKED && ready != 0))
        move(relay, direction, ops);
}

/* Does it wait for the UE to take what was written? libssl may hold none of it any more. */
static bool waits_for_ue(const struct relay *relay)
{
    const struct direction *down = &relay->down;

    return down->held != NULL || tls_backlog_length(relay->ssl) > 0 ||
           (down->status == RELAY_BLOCKED && (down->ssl_wanted & EV_WRITE) != 0);
}

/*
 * When octets moved last. A side that does not take what waits for it gets no credit for what it
 * sends: a peer that only sends, and never reads, would stay for ever.
 */
static int64_t last_transfer(const struct relay *relay)
{
    const int64_t up = relay->up.moved, down = relay->down.moved, last = up > down ? up : down;
    const int64_t of_up = relay->up.held == NULL ? last : up,
                  of_down = waits_for_ue(relay) ? down : last;

    return of_up < of_down ? of_up : of_down;
}

/* End, or wait for what comes next. */
static void finish_or_wait(struct relay *relay)
{
    *relay->active = last_transfer(relay);
    if (relay->up.status == RELAY_ERROR || relay->down.status == RELAY_ERROR)
        relay_finish(relay, relay->fault);
    else if (relay->up.status == RELAY_EOF && relay->down.status == RELAY_EOF)
        relay_finish(relay, NULL);
    else if (!watch_both(relay))
        relay_finish(relay, "out of memory");
}

static void ssl_is_ready(evutil_socket_t fd, short what, void *argument)
{
    struct relay *relay = argument;

    (void)fd;
    if (tls_backlog_flush(relay->ssl) < 0) {
        relay_finish(relay, "the UE's connection broke");
        return;
    }
    move_if_ready(relay, &relay->up, &relay_up, relay->up.ssl_wanted & what);
    move_if_ready(relay, &relay->down, &relay_down, relay->down.ssl_wanted & what);
    finish_or_wait(relay);
}

static void plain_is_ready(evutil_socket_t fd, short what, void *argument)
{
    struct relay *relay = argument;

    (void)fd;
    move_if_ready(relay, &relay->up, &relay_up, relay->up.plain_wanted & what);
    move_if_ready(relay, &relay->down, &relay_down, relay->down.plain_wanted & what);
    finish_or_wait(relay);
}

struct relay *relay_start(struct event_base *base, SSL *ssl, int plain, const unsigned char *first,
                          size_t first_length, int64_t *active, relay_ended *ended, void *argument)
{
    struct relay *relay = OPENSSL_zalloc(sizeof(*relay));

    if (relay == NULL || (first_length > 0 && !hold_back(&relay->up, first, first_length)) ||
        !tls_backlog_add(ssl)) {
        if (relay != NULL)
            free_held(&relay->up);
        OPENSSL_free(relay);
        (void)close(plain);
        return NULL;
    }
    relay->ssl = ssl;
    SSL_set_read_ahead(ssl, 1); /* one system call for header and body, or for several records */
    relay->plain = plain;
    relay->active = active;
    relay->ended = ended;
    relay->argument = argument;
    relay->up.status = relay->down.status = RELAY_YIELD;
    relay->up.moved = relay->down.moved = clock_ms();
    (void)event_assign(&relay->on_ssl, base, SSL_get_fd(ssl), 0, ssl_is_ready, relay);
    (void)event_assign(&relay->on_plain, base, plain, 0, plain_is_ready, relay);
    event_active(&relay->on_plain, EV_TIMEOUT, 0);
    return relay;
}

void relay_stop(struct relay *relay)
{
    cut_off(relay);
    relay_free(relay);
}
