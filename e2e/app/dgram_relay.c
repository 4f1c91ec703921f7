/*
 * Relays the datagrams of a DTLS session to and from an application that knows nothing of DTLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/dgram_relay.h"

#include "messages/proxy_header.h"
#include "net/clock.h"
#include "net/dtls.h"
#include "net/io_watch.h"
#include "net/tls.h"
#include "ops/health.h"
#include "ops/metrics.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PART  16384 /* octets: the longest record of DTLS */
#define TURNS 16    /* datagrams of one side before other events are served */

struct dgram_relay {
    SSL *ssl;
    int plain;
    bool ends; /* plain is one of a socket pair, where an empty message is the end */
    struct io_watch secure;
    struct event from_plain;
    int64_t *active;
    struct dgram_relay_owner owner;
    size_t header_length;
    unsigned char header[PROXY_HEADER_MAX];
};

static void free_relay(struct dgram_relay *relay)
{
    io_watch_cancel(&relay->secure);
    (void)event_del(&relay->from_plain);
    (void)close(relay->plain);
    OPENSSL_free(relay);
}

static void finish(struct dgram_relay *relay, const char *reason)
{
    const struct dgram_relay_owner owner = relay->owner;

    free_relay(relay);
    owner.ended(owner.argument, reason);
}

/* UDP has no end: if no application listens, the kernel reports it for the previous datagram. */
static bool is_of_previous(int error)
{
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
}

static void judge(struct dgram_relay *relay, int error)
{
    if (!is_of_previous(error)) {
        metrics_count(error == EMSGSIZE ? METRIC_DATAGRAMS_TOO_LARGE : METRIC_DATAGRAMS_UNSENT);
        return;
    }
    metrics_count(METRIC_REFUSED_APPLICATION);
    health_down(HEALTH_APPLICATION, NULL, strerror(error));
    if (relay->owner.refused != NULL)
        relay->owner.refused(relay->owner.argument);
}

static void give_plain(struct dgram_relay *relay, unsigned char *octets, size_t length)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)relay->header, relay->header_length},
                             {octets, length}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    unsigned int turns = 0;
    int error;

    do {
        error = sendmsg(relay->plain, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
        if (error != 0)
            judge(relay, error);
    } while (is_of_previous(error) && turns++ == 0);
}

/* The session's datagrams. */
static void on_secure(void *argument, bool in_time)
{
    struct dgram_relay *relay = argument;
    unsigned char octets[PART];
    enum io_status result = IO_OK;

    (void)in_time; /* it has no deadline: the server has one */
    for (unsigned int turn = 0; turn < TURNS && result == IO_OK; turn++) {
        int got;

        ERR_clear_error();
        got = SSL_read(relay->ssl, octets, sizeof(octets));
        result = io_status_of_ssl(relay->ssl, got);
        if (got > 0) {
            *relay->active = clock_ms();
            give_plain(relay, octets, (size_t)got);
        }
    }
    OPENSSL_cleanse(octets, sizeof(octets));
    if (result == IO_EOF || result == IO_ERROR)
        finish(relay, result == IO_EOF ? NULL : tls_error("the session failed"));
    else
        io_watch_set(&relay->secure, result, 0);
}

/* One that the connection does not take is lost, as on the way. */
static void give_secure(const struct dgram_relay *relay, const unsigned char *octets, size_t length)
{
    ERR_clear_error();
    if (length > DTLS_RECORD_MAX)
        metrics_count(METRIC_DATAGRAMS_TOO_LARGE);
    else if (length > 0 && dtls_acquire_buffers(relay->ssl) &&
             SSL_write(relay->ssl, octets, (int)length) > 0)
        *relay->active = clock_ms();
}

/* The application's. */
static void on_plain(evutil_socket_t fd, short what, void *argument)
{
    struct dgram_relay *relay = argument;
    unsigned char octets[DTLS_RECORD_MAX + 1];

    if ((what & EV_TIMEOUT) != 0) /* as loop.h has it */
        loop_add_event(&relay->from_plain, NULL);
    for (unsigned int turn = 0; turn < TURNS; turn++) {
        const ssize_t got = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);

        if (got == 0 && relay->ends) {
            finish(relay, NULL);
            return;
        }
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR)
                judge(relay, errno);
            break;
        }
        health_up(HEALTH_APPLICATION, NULL);
        give_secure(relay, octets, (size_t)got);
    }
    dtls_release_buffers(relay->ssl);
    OPENSSL_cleanse(octets, sizeof(octets));
}

static bool is_of_pair(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

struct dgram_relay *dgram_relay_start(struct loop *loop, SSL *ssl, int plain,
                                      const unsigned char *header, size_t header_length,
                                      int64_t *active, const struct dgram_relay_owner *owner)
{
    struct dgram_relay *relay = OPENSSL_zalloc(sizeof(*relay));

    if (relay == NULL) {
        (void)close(plain);
        return NULL;
    }
    relay->ssl = ssl;
    relay->plain = plain;
    relay->ends = is_of_pair(plain);
    relay->active = active;
    relay->owner = *owner;
    relay->header_length = header_length;
    if (header_length > 0)
        memcpy(relay->header, header, header_length);
    io_watch_init_ssl(&relay->secure, loop, ssl, on_secure, relay);
    io_watch_set(&relay->secure, IO_OK, 0);
    (void)event_assign(&relay->from_plain, loop->base, plain, EV_READ | EV_PERSIST, on_plain,
                       relay);
    if (event_add(&relay->from_plain, NULL) == 0)
        return relay;
    free_relay(relay);
    return NULL;
}

void dgram_relay_use(struct dgram_relay *relay, int plain)
{
    struct event_base *base = event_get_base(&relay->from_plain);

    (void)event_del(&relay->from_plain);
    (void)close(relay->plain);
    relay->plain = plain;
    (void)event_assign(&relay->from_plain, base, plain, EV_READ | EV_PERSIST, on_plain, relay);
    loop_add_event(&relay->from_plain, NULL);
}

void dgram_relay_stop(struct dgram_relay *relay)
{
    free_relay(relay);
}
