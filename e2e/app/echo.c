/*
 * The echo: lines come back behind a prefix, until the UE closes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "app/echo.h"

#include "net/clock.h"
#include "net/wait.h"

#include <openssl/crypto.h>

struct echo {
    struct app_link *link;
    struct wire wire;
    const char *prefix;
    struct wait wait;
    int64_t timeout, deadline; /* milliseconds; deadline 0: no line is under way */
};

static void release(struct echo *echo)
{
    wait_end(&echo->wait);
    wire_clear(&echo->wire);
    OPENSSL_free(echo);
}

static void end(struct echo *echo, const char *reason)
{
    struct app_link *link = echo->link;

    release(echo);
    link->end(link, reason);
}

/* Echo what has come, line by line; nothing is read while an answer waits to be written. */
static enum wire_result echo_lines(struct echo *echo)
{
    enum wire_result result = wire_write(&echo->wire);
    const char *line;
    size_t length;

    for (unsigned int turns = 0; result == WIRE_OK; turns++) {
        if (turns == WAIT_TURNS)
            return WIRE_OK;
        result = wire_read(&echo->wire, &line, &length);
        if (result != WIRE_OK)
            break;
        echo->deadline = 0;
        if (!wire_add(&echo->wire, echo->prefix, line, length))
            return WIRE_FAILED;
        result = wire_write(&echo->wire);
        echo->link->active = clock_ms();
    }
    return result;
}

static void go_on(void *argument, bool in_time)
{
    struct echo *echo = argument;
    const enum wire_result result = in_time ? echo_lines(echo) : WIRE_WANT_READ;
    const bool under_way = wire_has_begun(&echo->wire) || wire_unwritten(&echo->wire) > 0;

    if (!in_time && wire_unwritten(&echo->wire) > 0) {
        end(echo, wire_says(WIRE_WANT_WRITE));
    } else if (!in_time || result == WIRE_TOO_LONG || result == WIRE_FAILED) {
        end(echo, wire_says(result));
    } else if (result == WIRE_END) {
        end(echo, NULL);
    } else {
        if (!under_way)
            echo->deadline = 0;
        else if (echo->deadline == 0)
            echo->deadline = clock_ms() + echo->timeout;
        wait_for(&echo->wait, result, echo->deadline);
    }
}

struct echo *echo_start(struct app_link *link, struct wire *wire, const char *prefix,
                        unsigned int line_timeout)
{
    struct echo *echo = OPENSSL_zalloc(sizeof(*echo));

    if (echo == NULL)
        return NULL;
    echo->link = link;
    echo->wire = *wire;
    *wire = (struct wire){.ssl = link->ssl};
    echo->prefix = prefix;
    echo->timeout = (int64_t)line_timeout * 1000;
    wait_begin(&echo->wait, link->loop, SSL_get_fd(link->ssl), go_on, echo);
    wait_for(&echo->wait, WIRE_OK, 0);
    return echo;
}

void echo_stop(struct echo *echo)
{
    release(echo);
}

/* As an application of app.h. */
struct echo_app {
    struct app app;
    const char *prefix;
    unsigned int line_timeout;
};

static void *start(struct app *app, struct app_link *link)
{
    const struct echo_app *echo = (const struct echo_app *)app;
    struct wire wire = {.ssl = link->ssl};

    return echo_start(link, &wire, echo->prefix, echo->line_timeout);
}

static void stop(void *state)
{
    echo_stop(state);
}

static void free_app(struct app *app)
{
    OPENSSL_free(app);
}

static const struct app_ops echo_ops = {start, stop, free_app};

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
