/*
 * The NAF's one connection to the third party: made, kept up, requests out and answers in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/line_connection.h"

#include "net/clock.h"
#include "ops/log.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MS 100 /* after the first failure; it doubles */
#define PAUSE_MAX_MS                                                             \
    5000 /* and is the first again after an answer, or a line that stood so long \
          */

static void fail_all(struct line_client *client, const char *reason)
{
    struct line_pending *pending;

    while ((pending = TAILQ_FIRST(&client->pending)) != NULL) {
        TAILQ_REMOVE(&client->pending, pending, next);
        line_pending_return(pending, reason);
    }
}

static void disconnect(struct line_client *client)
{
    SSL *ssl = client->wire.ssl;

    if (ssl == NULL)
        return;
    wait_end(&client->wait);
    wire_clear(&client->wire);
    (void)SSL_shutdown(ssl);
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
    client->wire.ssl = NULL;
}

void line_connection_give_up(struct line_client *client, const char *reason)
{
    struct timeval pause;

    /* that the handshake was complete says nothing: a certificate is refused after it in TLS 1.3 */
    if (client->wire.ssl != NULL && clock_ms() - client->up >= PAUSE_MAX_MS)
        client->pause = PAUSE_MS;
    pause = (struct timeval){client->pause / 1000, client->pause % 1000 * 1000};
    log_event("line-down", "third-party", client->setup->host, "reason", reason, NULL);
    disconnect(client);
    fail_all(client, "the line to the third party is down");
    (void)event_add(client->retry, &pause);
    client->pause = client->pause * 2 < PAUSE_MAX_MS ? client->pause * 2 : PAUSE_MAX_MS;
}

static bool send_one(struct line_client *client, struct line_pending *pending)
{
    char *line = line_request_encode(&pending->request);
    const bool done = line != NULL && wire_add(&client->wire, "", line, strlen(line));

    json_line_free(line);
    OPENSSL_cleanse(pending->request.ks_naf, sizeof(pending->request.ks_naf));
    pending->sent = clock_ms();
    return done;
}

/* The request that an answer belongs to, out of the list; NULL: it waits no more. */
static struct line_pending *find(struct line_client *client, int64_t id)
{
    struct line_pending *pending;

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
static bool take_answer(struct line_client *client, const char *line, size_t length,
                        char fault[JSON_FAULT_SIZE])
{
    struct line_pending *pending;
    struct line_answer answer;

    if (!line_answer_decode(&answer, line, length, fault))
        return false;
    if (answer.id >= client->next_id)
        return json_line_fault(fault, "id: no request has this number", "");
    pending = find(client, answer.id);
    if (pending == NULL) {
        log_event("line-late", "third-party", client->setup->host, "reason",
                  "an answer that nobody waits for any more", NULL);
        return true;
    }
    pending->answer = answer;
    if (answer.verdict != LINE_ERROR &&
        pending->request.is_revocation != (answer.verdict == LINE_REVOKED)) {
        line_pending_return(pending, "the third party answered another question");
        return json_line_fault(fault, "an answer to another kind of request", "");
    }
    line_pending_return(pending, NULL);
    return true;
}

static enum wire_result read_answers(struct line_client *client, char fault[JSON_FAULT_SIZE])
{
    const char *line;
    size_t length;

    for (unsigned int turn = 0; turn < WAIT_TURNS; turn++) {
        const enum wire_result result = wire_read(&client->wire, &line, &length);

        if (result != WIRE_OK)
            return result;
        client->heard = clock_ms();
        if (!take_answer(client, line, length, fault))
            return WIRE_FAILED;
        client->pause = PAUSE_MS;
    }
    return WIRE_OK;
}

static void go_on(void *argument, bool in_time)
{
    struct line_client *client = argument;
    char fault[JSON_FAULT_SIZE] = "";
    enum wire_result result, written;

    (void)in_time; /* no deadline: that of the requests counts */
    result = read_answers(client, fault);
    written = result > WIRE_PAUSED ? WIRE_OK : wire_write(&client->wire);
    if (result > WIRE_PAUSED || written > WIRE_PAUSED)
        line_connection_give_up(
            client, fault[0] != '\0' ? fault : wire_says(result > WIRE_PAUSED ? result : written));
    else if (result == WIRE_OK || written == WIRE_OK)
        wait_for(&client->wait, result, 0);
    else
        wait_for(&client->wait, WIRE_WANT_EITHER, 0);
}

static void on_connected(void *argument, SSL *ssl, const char *reason)
{
    struct line_client *client = argument;
    struct line_pending *pending;

    client->dialer = NULL;
    if (ssl == NULL) {
        line_connection_give_up(client, reason);
        return;
    }
    log_event("line-up", "third-party", client->setup->host, NULL);
    client->wire = (struct wire){.ssl = ssl};
    client->verified = (struct line_verified){0, 0};
    client->up = client->heard = clock_ms();
    wait_begin(&client->wait, client->home, SSL_get_fd(ssl), go_on, client);
    TAILQ_FOREACH(pending, &client->pending, next)
    {
        if (!send_one(client, pending)) {
            line_connection_give_up(client, "out of memory");
            return;
        }
    }
    wait_for(&client->wait, WIRE_OK, 0);
}

void line_connection_make(struct line_client *client)
{
    SSL_CTX *ctx = line_tls_ctx(client->tls);

    client->dialer = dialer_start(client->home, ctx, &client->setup->target, client->setup->host,
                                  clock_ms() + LINE_LIMIT_MS, on_connected, client);
    SSL_CTX_free(ctx);
    if (client->dialer == NULL)
        line_connection_give_up(client, "out of memory");
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    line_connection_make(argument);
}

bool line_connection_set_up(struct line_client *client)
{
    client->pause = PAUSE_MS;
    client->retry = evtimer_new(client->home->base, on_retry, client);
    return client->retry != NULL;
}

void line_connection_send(struct line_client *client, struct line_pending *pending)
{
    if (client->wire.ssl == NULL)
        return; /* until the line is up, or was given up */
    if (!line_tls_verifies_still(client->tls, client->wire.ssl, &client->verified))
        line_connection_give_up(client, "the third party's certificate is not good any more");
    else if (send_one(client, pending))
        wait_for(&client->wait, WIRE_OK, 0);
    else
        line_connection_give_up(client, "out of memory");
}

void line_connection_end(struct line_client *client)
{
    fail_all(client, "the end");
    dialer_stop(client->dialer);
    disconnect(client);
    if (client->retry != NULL)
        event_free(client->retry);
}
