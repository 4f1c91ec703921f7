/*
 * The echo: lines come back behind a prefix, until the UE closes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/echo.h"

#include "net/clock.h"
#include "net/dtls.h"
#include "net/io_watch.h"

#include <openssl/crypto.h>
#include <string.h>

struct echo {
    struct app_connection *conn;
    struct tls_lines lines;
    const char *prefix;
    struct io_watch watch;
    int64_t timeout, deadline; /* milliseconds; deadline 0: no line is under way */
};

static void echo_free(struct echo *echo)
{
    io_watch_cancel(&echo->watch);
    tls_lines_clear(&echo->lines);
    OPENSSL_free(echo);
}

static void echo_finish(struct echo *echo, const char *reason)
{
    struct app_connection *conn = echo->conn;

    echo_free(echo);
    conn->end(conn, reason);
}

/*
 * Echo what has come, line by line; nothing is read while an answer waits to be written. now:
 * before any of it was read, so that limits begin before an answer is seen.
 */
static enum io_status echo_lines(struct echo *echo, int64_t now)
{
    enum io_status result = tls_lines_write(&echo->lines);
    const char *line;
    size_t length;

    for (unsigned int turns = 0; result == IO_OK; turns++) {
        if (turns == IO_WATCH_TURNS)
            return IO_OK;
        result = tls_lines_read(&echo->lines, &line, &length);
        if (result != IO_OK)
            break;
        echo->deadline = 0;
        echo->conn->active = now;
        if (!tls_lines_add(&echo->lines, echo->prefix, line, length))
            return IO_ERROR;
        result = tls_lines_write(&echo->lines);
    }
    return result;
}

static void on_ready(void *argument, bool in_time)
{
    struct echo *echo = argument;
    const int64_t now = clock_ms();
    const enum io_status result = in_time ? echo_lines(echo, now) : IO_WANT_READ;
    const bool under_way =
        tls_lines_has_begun(&echo->lines) || tls_lines_unwritten(&echo->lines) > 0;

    if (!in_time && tls_lines_unwritten(&echo->lines) > 0) {
        echo_finish(echo, io_status_text(IO_WANT_WRITE));
    } else if (!in_time || result == IO_TOO_LONG || result == IO_ERROR) {
        echo_finish(echo, io_status_text(result));
    } else if (result == IO_EOF) {
        echo_finish(echo, NULL);
    } else {
        if (!under_way)
            echo->deadline = 0;
        else if (echo->deadline == 0)
            echo->deadline = now + echo->timeout;
        io_watch_set(&echo->watch, result, echo->deadline);
    }
}

struct echo *echo_start(struct app_connection *conn, struct tls_lines *lines, const char *prefix,
                        unsigned int line_timeout)
{
    struct echo *echo = OPENSSL_zalloc(sizeof(*echo));

    if (echo == NULL)
        return NULL;
    echo->conn = conn;
    echo->lines = *lines;
    *lines = (struct tls_lines){.ssl = conn->ssl};
    if (SSL_is_dtls(conn->ssl))
        echo->lines.max = DTLS_RECORD_MAX - strlen(prefix);
    echo->prefix = prefix;
    echo->timeout = (int64_t)line_timeout * 1000;
    io_watch_init_ssl(&echo->watch, conn->loop, conn->ssl, on_ready, echo);
    io_watch_set(&echo->watch, IO_OK, 0);
    return echo;
}

void echo_stop(struct echo *echo)
{
    echo_free(echo);
}

/* As an application of app.h. */
struct echo_app {
    struct app app;
    const char *prefix;
    unsigned int line_timeout;
};

static void *app_echo_start(struct app *app, struct app_connection *conn)
{
    const struct echo_app *echo = (const struct echo_app *)app;
    struct tls_lines lines = {.ssl = conn->ssl};

    return echo_start(conn, &lines, echo->prefix, echo->line_timeout);
}

static void stop(void *state)
{
    echo_stop(state);
}

static void free_app(struct app *app)
{
    OPENSSL_free(app);
}

static const struct app_ops echo_ops = {app_echo_start, stop, free_app};

struct app *app_echo_new(const char *prefix, unsigned int line_timeout)
{
    struct echo_app *echo = OPENSSL_zalloc(sizeof(*echo));

    if (echo == NULL)
        return NULL;
    echo->app.ops = &echo_ops;
    echo->prefix = prefix;
    echo->line_timeout = line_timeout;
    return &echo->app;
}

void app_free(struct app *app)
{
    if (app != NULL)
        app->ops->free(app);
}
