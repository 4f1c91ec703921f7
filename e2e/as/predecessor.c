/*
 * The programs before this one, while they end their connections (SIGUSR2)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/predecessor.h"

#include "ops/log.h"
#include "server/dtls_acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GO_MS 5000 /* for the loops of the program before to let go */

static int channels[HANDOVER_MAX]; /* the last program's first */
static int count;

static bool is_channel(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

void predecessor_open(void)
{
    const char *given = getenv(HANDOVER_VARIABLE);
    char *end = NULL;
    long first, number;

    if (given == NULL)
        return;
    first = strtol(given, &end, 10);
    number = *end == ':' ? strtol(end + 1, NULL, 10) : 0;
    for (long i = 0; i < number && count < HANDOVER_MAX; i++)
        if (is_channel((int)(first + i)))
            channels[count++] = (int)(first + i);
    (void)unsetenv(HANDOVER_VARIABLE);
}

/* It drains: told again to end, it closes what is open. It is there, since it has made its end of
 * the channel and not closed it. */
static void end_program(int channel)
{
    struct ucred other = {.pid = 0};
    socklen_t size = sizeof(other);

    if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 && other.pid > 0)
        (void)kill(other.pid, SIGTERM);
}

/* One that has ended hears nothing, and needs not. One that does not listen would go on with what
 * is revoked. */
static void send_packet(int channel, const char *packet, size_t length)
{
    static struct log_limit limit;

    if (send(channel, packet, length, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 || errno == EPIPE ||
        errno == ECONNRESET)
        return;
    log_refused(&limit, "upgrade",
                "the previous program cannot be told what to revoke or to read again: "
                "it is ended");
    end_program(channel);
}

bool predecessor_is_there(void)
{
    return count > 0;
}

void predecessor_take_over(void)
{
    struct pollfd before = {.fd = channels[0], .events = POLLIN};
    unsigned char packet[HANDOVER_SIZE];
    ssize_t length;

    if (count == 0)
        return;
    send_packet(channels[0], HANDOVER_READY, sizeof(HANDOVER_READY));
    (void)poll(&before, 1, GO_MS);
    length = recv(channels[0], packet, sizeof(packet), MSG_DONTWAIT); /* "go", or its end */
    if (length == sizeof(HANDOVER_GO) + DTLS_COOKIE_SECRET_LENGTH)
        dtls_acceptor_take_cookie_secret(packet + sizeof(HANDOVER_GO));
    OPENSSL_cleanse(packet, sizeof(packet));
}

static void send_to_all(const char *packet, size_t length)
{
    for (int i = 0; i < count; i++)
        send_packet(channels[i], packet, length);
}

void predecessor_say_reload(void)
{
    send_to_all(HANDOVER_RELOAD, sizeof(HANDOVER_RELOAD));
}

void predecessor_say_reopen(void)
{
    send_to_all(HANDOVER_REOPEN, sizeof(HANDOVER_REOPEN));
}

void predecessor_say_revoked(const struct store_scope *scope)
{
    char packet[HANDOVER_SIZE];

    if (count > 0)
        send_to_all(packet, handover_write_scope(packet, scope));
}

int predecessor_channels(int those[HANDOVER_MAX])
{
    int found = 0;

    for (int i = 0; i < count; i++) {
        struct pollfd other = {.fd = channels[i]};

        if (poll(&other, 1, 0) >= 0 && (other.revents & (POLLHUP | POLLERR)) == 0)
            those[found++] = channels[i];
    }
    return found;
}
