/*
 * What a test says over TLS, one step after the other: every step has a time limit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stream.h"

#include "net/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIX_MAX 16

const char *stream_says(enum stream_result result)
{
    switch (result) {
    case STREAM_OK:
        return "went well";
    case STREAM_END:
        return "the other side closed the connection";
    case STREAM_TIMEOUT:
        return "nothing complete arrived in time";
    case STREAM_TOO_LONG:
        return "a line is too long";
    default:
        return "the connection failed";
    }
}

static int64_t deadline(void)
{
    return clock_ms() + (int64_t)STREAM_SECONDS * 1000;
}

/* Wait until an operation that returned result can go on; STREAM_OK: try again. */
static enum stream_result wait_for(SSL *ssl, int result, int64_t until)
{
    struct pollfd wanted = {.fd = SSL_get_fd(ssl)};
    int64_t left = until - clock_ms();

    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        wanted.events = POLLIN;
        break;
    case SSL_ERROR_WANT_WRITE:
        wanted.events = POLLOUT;
        break;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_END;
    default:
        return STREAM_FAILED;
    }
    while (left > 0) {
        if (poll(&wanted, 1, (int)left) > 0)
            return STREAM_OK;
        left = until - clock_ms();
    }
    return STREAM_TIMEOUT;
}

enum stream_result stream_handshake(SSL *ssl)
{
    const int64_t until = deadline();
    enum stream_result waited = STREAM_OK;

    while (waited == STREAM_OK) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl);

        if (result == 1)
            return STREAM_OK;
        waited = wait_for(ssl, result, until);
    }
    return waited;
}

enum stream_result stream_read_line(SSL *ssl, char line[STREAM_ANSWER_MAX + 1], size_t *length)
{
    const int64_t until = deadline();
    enum stream_result waited = STREAM_OK;

    *length = 0;
    while (waited == STREAM_OK) {
        ERR_clear_error();
        const int result = SSL_read(ssl, line + *length, 1);

        if (result <= 0)
            waited = wait_for(ssl, result, until);
        else if (line[*length] == '\n')
            return STREAM_OK;
        else if (*length == STREAM_ANSWER_MAX)
            return STREAM_TOO_LONG;
        else
            ++*length;
    }
    return waited;
}

enum stream_result stream_write_line(SSL *ssl, const char *prefix, const char *text, size_t length)
{
    const int64_t until = deadline();
    enum stream_result waited = STREAM_OK;
    char line[PREFIX_MAX + STREAM_LINE_MAX + 1];
    const size_t before = (size_t)snprintf(line, PREFIX_MAX, "%s", prefix);

    if (before >= PREFIX_MAX || length > STREAM_LINE_MAX)
        return STREAM_TOO_LONG;
    memcpy(line + before, text, length);
    line[before + length] = '\n';
    while (waited == STREAM_OK) {
        ERR_clear_error();
        const int result = SSL_write(ssl, line, (int)(before + length + 1));

        if (result > 0)
            return STREAM_OK;
        waited = wait_for(ssl, result, until);
    }
    return waited;
}

int stream_connect(const char *address)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "";
    int fd;

    if (colon == NULL || (size_t)(colon - address) >= sizeof(host))
        return -1;
    memcpy(host, address, (size_t)(colon - address));
    to.sin_port = htons((unsigned short)strtoul(colon + 1, NULL, 10));
    fd = inet_pton(AF_INET, host, &to.sin_addr) == 1
             ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
             : -1;
    if (fd >= 0 && (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
                    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}
