/*
 * The relay's two ways: reading from, writing to and ending the TLS side and the plain side
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/relay_ways.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 16384 /* octets of a TLS record at most */

enum stop relay_broken(struct relay *relay, const char *fault)
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
        return relay_broken(relay, "the UE's connection broke");
    }
}

/*
 * Read from TLS what there is, whole records, as far as part has room. libssl reads ahead, and what
 * it holds shows on no socket: only when SSL_read() finds no whole record may a direction wait.
 */
static enum stop read_ssl(struct relay *relay, struct direction *direction, unsigned char *part,
                          size_t *length)
{
    enum stop stop = STOP_NOT;

    for (*length = 0; stop == STOP_NOT && *length + RECORD <= RELAY_PART;) {
        const int got = SSL_read(relay->ssl, part + *length, RECORD);

        if (got > 0)
            *length += (size_t)got;
        else
            stop = ssl_outcome(relay, direction, got);
    }
    return stop;
}

static enum stop read_plain(struct relay *relay, struct direction *direction, unsigned char *part,
                            size_t *length)
{
    const ssize_t got = read(relay->plain, part, RELAY_PART);

    *length = got > 0 ? (size_t)got : 0;
    if (*length == RELAY_PART)
        return STOP_NOT;
    if (got == 0)
        return STOP_ENDED;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return relay_broken(relay, "the application's connection broke");
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
            return relay_broken(relay, "the application's connection broke");
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
    return relay_broken(relay, "the application's connection broke");
}

const struct way relay_up = {read_ssl, write_plain, end_plain};
const struct way relay_down = {read_plain, write_ssl, end_ssl};
