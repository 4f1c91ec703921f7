/*
 * Octets to and from a Redis server, plain or over TLS, on an event loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/redis_io.h"

#include "net/io_watch.h"
#include "net/out_queue.h"
#include "net/tls_backlog.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART 4096 /* octets read at a time */

struct redis_io {
    struct io_watch watch;
    int fd;
    SSL *ssl;
    bool is_open;
    struct out_queue out;
    const struct redis_io_calls *calls;
    void *argument;
};

void redis_io_free(struct redis_io *io)
{
    if (io == NULL)
        return;
    io_watch_cancel(&io->watch);
    if (io->ssl != NULL && io->is_open)
        (void)SSL_shutdown(io->ssl);
    SSL_free(io->ssl);
    ERR_clear_error();
    (void)close(io->fd);
    out_queue_clear(&io->out);
    OPENSSL_free(io);
}

static enum io_status plain_status(ssize_t result, enum io_status wanted)
{
    if (result > 0)
        return IO_OK;
    if (result == 0)
        return IO_EOF;
    return errno == EAGAIN || errno == EINTR ? wanted : IO_ERROR;
}

static enum io_status read_part(struct redis_io *io, char part[PART], size_t *length)
{
    const ssize_t got =
        io->ssl == NULL ? read(io->fd, part, PART) : (ssize_t)SSL_read(io->ssl, part, PART);

    *length = got > 0 ? (size_t)got : 0;
    return io->ssl == NULL ? plain_status(got, IO_WANT_READ) : io_status_of_ssl(io->ssl, (int)got);
}

static enum io_status write_part(struct redis_io *io)
{
    const char *rest = io->out.octets + io->out.sent;
    const size_t left = out_queue_unsent(&io->out);
    const ssize_t written = io->ssl == NULL ? send(io->fd, rest, left, MSG_NOSIGNAL)
                                            : (ssize_t)SSL_write(io->ssl, rest, (int)left);

    if (written > 0)
        io->out.sent += (size_t)written;
    return io->ssl == NULL ? plain_status(written, IO_WANT_WRITE)
                           : io_status_of_ssl(io->ssl, (int)written);
}

/* What TLS has of what was written. */
static enum io_status flush(struct redis_io *io)
{
    static const enum io_status status[] = {IO_ERROR, IO_WANT_WRITE, IO_OK};

    return io->ssl == NULL ? IO_OK : status[tls_backlog_flush(io->ssl) + 1];
}

static enum io_status write_all(struct redis_io *io)
{
    enum io_status status = flush(io);

    while (status == IO_OK && out_queue_unsent(&io->out) > 0) {
        status = write_part(io);
        if (status == IO_OK)
            status = flush(io);
    }
    if (status == IO_OK)
        out_queue_clear(&io->out);
    return status;
}

/* IO_PAUSED: the connection has been freed. */
static enum io_status read_all(struct redis_io *io)
{
    enum io_status status = IO_OK;
    char part[PART];
    size_t length;

    for (unsigned int turn = 0; status == IO_OK && turn < IO_WATCH_TURNS; turn++) {
        status = read_part(io, part, &length);
        if (length > 0 && !io->calls->take(io->argument, part, length))
            status = IO_PAUSED;
    }
    OPENSSL_cleanse(part, sizeof(part));
    return status;
}

static enum io_status open_tls(struct redis_io *io)
{
    const int done = io->ssl == NULL ? 1 : SSL_do_handshake(io->ssl);

    return done == 1 ? IO_OK : io_status_of_ssl(io->ssl, done);
}

static void end_connection(struct redis_io *io, enum io_status status)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (reason == NULL && status == IO_ERROR && errno != 0)
        reason = strerror(errno);
    ERR_clear_error();
    io->calls->ended(io->argument,
                     reason == NULL ? "the server has closed the connection" : reason);
}

static bool is_over(enum io_status status)
{
    return status == IO_EOF || status == IO_ERROR;
}

static void exchange(struct redis_io *io)
{
    const enum io_status reading = read_all(io);
    enum io_status writing;

    if (reading == IO_PAUSED)
        return;
    writing = is_over(reading) ? reading : write_all(io);
    if (is_over(writing))
        end_connection(io, writing);
    else if (reading == IO_OK)
        io_watch_set(&io->watch, IO_OK, 0);
    else
        io_watch_set(&io->watch, writing == IO_OK ? IO_WANT_READ : IO_WANT_EITHER, 0);
}

static void on_ready(void *argument, bool in_time)
{
    struct redis_io *io = argument;
    enum io_status status;

    if (!in_time) {
        io->calls->ended(io->argument, "out of memory");
        return;
    }
    ERR_clear_error();
    errno = 0;
    if (!io->is_open) {
        status = open_tls(io);
        if (is_over(status)) {
            end_connection(io, status);
            return;
        }
        if (status != IO_OK) {
            io_watch_set(&io->watch, status, 0);
            return;
        }
        if (io->ssl != NULL && !tls_backlog_add(io->ssl)) {
            io->calls->ended(io->argument, "out of memory");
            return;
        }
        io->is_open = true;
        if (!io->calls->opened(io->argument))
            return;
    }
    exchange(io);
}

struct redis_io *redis_io_new(struct loop *loop, int fd, SSL *ssl,
                              const struct redis_io_calls *calls, void *argument)
{
    struct redis_io *io = OPENSSL_zalloc(sizeof(*io));

    if (io == NULL || (ssl != NULL && !SSL_set_fd(ssl, fd))) {
        SSL_free(ssl);
        OPENSSL_free(io);
        (void)close(fd);
        return NULL;
    }
    if (ssl != NULL) {
        SSL_set_connect_state(ssl);
        (void)SSL_set_mode(ssl,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    io->fd = fd;
    io->ssl = ssl;
    io->calls = calls;
    io->argument = argument;
    io_watch_init(&io->watch, loop, fd, on_ready, io);
    io_watch_set(&io->watch, IO_OK, 0);
    return io;
}

bool redis_io_add(struct redis_io *io, const char *octets, size_t length)
{
    if (!out_queue_make_room(&io->out, length))
        return false;
    memcpy(io->out.octets + io->out.length, octets, length);
    io->out.length += length;
    if (io->is_open)
        io_watch_set(&io->watch, IO_OK, 0);
    return true;
}
