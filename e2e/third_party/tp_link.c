/*
 * The NAF's one connection to the third party: made, kept up, requests out and answers in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link.h"

#include "net/clock.h"
#include "ops/log.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MS 100 /* after the first failure; it doubles */
#define PAUSE_MAX_MS                                                             \
    5000 /* and is the first again after an answer, or a line that stood so long \
          */

static void fail_all(struct tp_link_client *client, const char *reason)
{
    struct tp_link_pending *pending;

    while ((pending = TAILQ_FIRST(&client->pending)) != NULL) {
        TAILQ_REMOVE(&client->pending, pending, next);
        tp_link_pending_return(pending, reason);
    }
}

static void disconnect(struct tp_link_client *client)
{
    SSL *ssl = client->lines.ssl;

    if (ssl == NULL)
        return;
    io_watch_cancel(&client->watch);
    tls_lines_clear(&client->lines);
    (void)SSL_shutdown(ssl);
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
    client->lines.ssl = NULL;
}

void tp_link_give_up(struct tp_link_client *client, const char *reason)
{
    struct timeval pause;

    /* that the handshake was complete says nothing: a certificate is refused after it in TLS 1.3 */
    if (client->lines.ssl != NULL && clock_ms() - client->up >= PAUSE_MAX_MS)
        client->pause = PAUSE_MS;
    pause = (struct timeval){client->pause / 1000, client->pause % 1000 * 1000};
    log_event("line-down", "third-party", client->setup->host, "reason", reason, NULL);
    disconnect(client);
    fail_all(client, "the line to the third party is down");
    loop_add_event(client->retry, &pause);
    client->pause = client->pause * 2 < PAUSE_MAX_MS ? client->pause * 2 : PAUSE_MAX_MS;
}

static bool send_one(struct tp_link_client *client, struct tp_link_pending *pending)
{
    char *line = tp_link_request_encode(&pending->request);
    const bool done = line != NULL && tls_lines_add(&client->lines, "", line, strlen(line));

    json_line_free(line);
    OPENSSL_cleanse(pending->request.ks_naf, sizeof(pending->request.ks_naf));
    pending->sent = clock_ms();
    return done;
}

/* The request that an answer belongs to, out of the list; NULL: it waits no more. */
static struct tp_link_pending *find(struct tp_link_client *client, int64_t id)
{
    struct tp_link_pending *pending;

    TAILQ_FOREACH(pending, &client->pending, next)
    {
        if (pending->request.id == id && pending->sent != 0)
            break;
    }
    if (pending != NULL)
        TAILQ_REMOVE(&client->pending, pending, next);
    return pending;
}

/* False: the line is not an answer to anything that was asked. */
static bool take_answer(struct tp_link_client *client, const char *line, size_t length,
                        char fault[JSON_FAULT_SIZE])
{
    static struct log_limit limit_line_late;
    struct tp_link_pending *pending;
    struct tp_link_answer answer;

    if (!tp_link_answer_decode(&answer, line, length, fault))
        return false;
    if (answer.id >= client->next_id)
        return json_line_fault(fault, "id: no request has this number", "");
    pending = find(client, answer.id);
    if (pending == NULL) {
        log_limited(&limit_line_late, "line-late", "third-party", client->setup->host, "reason",
                    "an answer that nobody waits for any more", NULL);
        return true;
    }
    pending->answer = answer;
    if (answer.verdict != TP_LINK_ERROR &&
        pending->request.is_revocation != (answer.verdict == TP_LINK_REVOKED)) {
        tp_link_pending_return(pending, "the third party answered another question");
        return json_line_fault(fault, "an answer to another kind of request", "");
    }
    tp_link_pending_return(pending, NULL);
    return true;
}

static enum io_status read_answers(struct tp_link_client *client, char fault[JSON_FAULT_SIZE])
{
    const char *line;
    size_t length;

    for (unsigned int turn = 0; turn < IO_WATCH_TURNS; turn++) {
        const enum io_status result = tls_lines_read(&client->lines, &line, &length);

        if (result != IO_OK)
            return result;
        client->heard = clock_ms();
        if (!take_answer(client, line, length, fault))
            return IO_ERROR;
        client->pause = PAUSE_MS;
    }
    return IO_OK;
}

static void on_ready(void *argument, bool in_time)
{
    struct tp_link_client *client = argument;
    char fault[JSON_FAULT_SIZE] = "";
    enum io_status result, written;

    (void)in_time; /* no deadline: that of the requests counts */
    result = read_answers(client, fault);
    written = result > IO_PAUSED ? IO_OK : tls_lines_write(&client->lines);
    if (result > IO_PAUSED || written > IO_PAUSED)
        tp_link_give_up(client, fault[0] != '\0'
                                    ? fault
                                    : io_status_text(result > IO_PAUSED ? result : written));
    else if (result == IO_OK || written == IO_OK)
        io_watch_set(&client->watch, result, 0);
    else
        io_watch_set(&client->watch, IO_WANT_EITHER, 0);
}

static void on_connected(void *argument, SSL *ssl, const char *reason)
{
    struct tp_link_client *client = argument;
    struct tp_link_pending *pending;

    client->dialer = NULL;
    if (ssl == NULL) {
        tp_link_give_up(client, reason);
        return;
    }
    log_event("line-up", "third-party", client->setup->host, NULL);
    client->lines = (struct tls_lines){.ssl = ssl};
    client->verified = (struct tp_link_verified){0, 0};
    client->up = client->heard = clock_ms();
    io_watch_init(&client->watch, client->home, SSL_get_fd(ssl), on_ready, client);
    TAILQ_FOREACH(pending, &client->pending, next)
    {
        if (!send_one(client, pending)) {
            tp_link_give_up(client, "out of memory");
            return;
        }
    }
    io_watch_set(&client->watch, IO_OK, 0);
}

void tp_link_make(struct tp_link_client *client)
{
    SSL_CTX *ctx = tp_link_tls_ctx(client->tls);

    client->dialer = dialer_start(client->home, ctx, &client->setup->addrs, client->setup->host,
                                  clock_ms() + TP_LINK_LIMIT_MS, on_connected, client);
    SSL_CTX_free(ctx);
    if (client->dialer == NULL)
        tp_link_give_up(client, "out of memory");
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    tp_link_make(argument);
}

bool tp_link_set_up(struct tp_link_client *client)
{
    client->pause = PAUSE_MS;
    client->retry = evtimer_new(client->home->base, on_retry, client);
    return client->retry != NULL;
}

void tp_link_send(struct tp_link_client *client, struct tp_link_pending *pending)
{
    if (client->lines.ssl == NULL)
        return; /* until the line is up, or was given up */
    if (!tp_link_tls_verifies_still(client->tls, client->lines.ssl, &client->verified))
        tp_link_give_up(client, "the third party's certificate is not good any more");
    else if (send_one(client, pending))
        io_watch_set(&client->watch, IO_OK, 0);
    else
        tp_link_give_up(client, "out of memory");
}

void tp_link_end(struct tp_link_client *client)
{
    fail_all(client, "the end");
    dialer_stop(client->dialer);
    disconnect(client);
    if (client->retry != NULL)
        event_free(client->retry);
}
