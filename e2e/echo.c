/*
 * The echo: lines come back behind a prefix, until the UE closes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "echo.h"

#include "clock.h"
#include "wait.h"

#include <openssl/crypto.h>

struct echo {
    struct app_link *link;
    struct lines lines;
    const char *prefix;
    struct wait wait;
    int64_t timeout, deadline; /* milliseconds; deadline 0: no line is under way */
};

static void release(struct echo *echo)
{
    wait_end(&echo->wait);
    lines_clear(&echo->lines);
    OPENSSL_free(echo);
}

static void end(struct echo *echo, const char *reason)
{
    struct app_link *link = echo->link;

    release(echo);
    link->end(link, reason);
}

/* Echo what has come, line by line; nothing is read while an answer waits to be written. */
static enum lines_result echo_lines(struct echo *echo)
{
    enum lines_result result = lines_write(&echo->lines);
    const char *line;
    size_t length;

    for (unsigned int turns = 0; result == LINES_OK; turns++) {
        if (turns == WAIT_TURNS)
            return LINES_OK;
        result = lines_read(&echo->lines, &line, &length);
        if (result != LINES_OK)
            break;
        echo->deadline = 0;
        if (!lines_add(&echo->lines, echo->prefix, line, length))
            return LINES_FAILED;
        result = lines_write(&echo->lines);
        echo->link->active = clock_ms();
    }
    return result;
}

static void go_on(void *argument, bool in_time)
{
    struct echo *echo = argument;
    const enum lines_result result = in_time ? echo_lines(echo) : LINES_WANT_READ;
    const bool under_way = lines_has_begun(&echo->lines) || lines_unwritten(&echo->lines) > 0;

    if (!in_time || result == LINES_TOO_LONG || result == LINES_FAILED) {
        end(echo, lines_says(result));
    } else if (result == LINES_END) {
        end(echo, NULL);
    } else {
        if (!under_way)
            echo->deadline = 0;
        else if (echo->deadline == 0)
            echo->deadline = clock_ms() + echo->timeout;
        wait_for(&echo->wait, result, echo->deadline);
    }
}

struct echo *echo_start(struct app_link *link, struct lines *lines, const char *prefix,
                        unsigned int line_timeout)
{
    struct echo *echo = OPENSSL_zalloc(sizeof(*echo));

    if (echo == NULL)
        return NULL;
    echo->link = link;
    echo->lines = *lines;
    *lines = (struct lines){.ssl = link->ssl};
    echo->prefix = prefix;
    echo->timeout = (int64_t)line_timeout * 1000;
    wait_begin(&echo->wait, link->loop, SSL_get_fd(link->ssl), go_on, echo);
    wait_for(&echo->wait, LINES_OK, 0);
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
    struct lines lines = {.ssl = link->ssl};

    return echo_start(link, &lines, echo->prefix, echo->line_timeout);
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
