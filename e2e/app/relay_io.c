/*
 * The relay's two ways: reading from, writing to and ending the TLS side and the plain side
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/relay_io.h"

#include "net/clock.h"
#include "net/tls_backlog.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 16384 /* octets of a TLS record at most */

enum relay_status relay_broken(struct relay *relay, const char *fault)
{
    relay->fault = fault;
    return RELAY_ERROR;
}

/* What libssl's result means for the direction that wants to go on. */
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

const struct relay_ops relay_up = {flush_plain, read_ssl, write_plain, end_plain};
const struct relay_ops relay_down = {flush_ssl, read_plain, write_ssl, end_ssl};
