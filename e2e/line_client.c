/*
 * The NAF's side of the line: the third party of flags.h at the other end of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line_client.h"

#include "clock.h"
#include "dialer.h"
#include "line_requests.h"
#include "log.h"
#include "wait.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS     3000 /* for an answer, and for a connection to be up */
#define PAUSE_MS     100  /* after the first failure; it doubles */
#define PAUSE_MAX_MS 5000

struct line_client {
    struct flags flags;
    const struct line_client_setup *setup;
    struct line_tls *tls;
    struct loop *home;
    struct loop_message start;
    struct dialer *dialer; /* while the connection is being made */
    struct wire wire;      /* ssl NULL: there is no connection */
    struct wait wait;
    struct event *retry, *overdue;
    int64_t pause, heard; /* milliseconds; clock_ms() of the last octet */
    int64_t next_id;
    struct line_pendings pending; /* oldest first */
};

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

/* The line is down: nobody waits for it in vain, and it is made again after a pause. */
static void give_up(struct line_client *client, const char *reason)
{
    const struct timeval pause = {client->pause / 1000, client->pause % 1000 * 1000};

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

/* False: what came is no answer to anything that was asked. */
static bool take_answer(struct line_client *client, const char *line, size_t length,
                        char fault[JSON_FAULT_SIZE])
{
    struct line_pending *pending;
    struct line_answer answer;

    if (!line_answer_decode(&answer, line, length, fault))
        return false;
    if (answer.id >= client->next_id)
        return json_line_fault(fault, "id: no request had it", "");
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
        give_up(client,
                fault[0] != '\0' ? fault : wire_says(result > WIRE_PAUSED ? result : written));
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
        give_up(client, reason);
        return;
    }
    log_event("line-up", "third-party", client->setup->host, NULL);
    client->pause = PAUSE_MS;
    client->wire = (struct wire){.ssl = ssl};
    client->heard = clock_ms();
    wait_begin(&client->wait, client->home, SSL_get_fd(ssl), go_on, client);
    TAILQ_FOREACH(pending, &client->pending, next)
    {
        if (!send_one(client, pending)) {
            give_up(client, "out of memory");
            return;
        }
    }
    wait_for(&client->wait, WIRE_OK, 0);
}

static void connect_now(struct line_client *client)
{
    SSL_CTX *ctx = line_tls_ctx(client->tls);

    client->dialer = dialer_start(client->home, ctx, &client->setup->target, client->setup->host,
                                  clock_ms() + LIMIT_MS, on_connected, client);
    SSL_CTX_free(ctx);
    if (client->dialer == NULL)
        give_up(client, "out of memory");
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    connect_now(argument);
}

static void watch(struct line_client *client)
{
    const struct line_pending *oldest = TAILQ_FIRST(&client->pending);
    int64_t left;
    struct timeval wait;

    if (oldest == NULL || event_pending(client->overdue, EV_TIMEOUT, NULL))
        return;
    left = oldest->asked + LIMIT_MS - clock_ms() + 1;
    left = left < 1 ? 1 : left;
    wait = (struct timeval){left / 1000, left % 1000 * 1000};
    (void)event_add(client->overdue, &wait);
}

/* The oldest have waited too long. Where nothing at all has come since, the line is dead. */
static void on_overdue(evutil_socket_t fd, short what, void *argument)
{
    struct line_client *client = argument;
    const int64_t limit = clock_ms() - LIMIT_MS;
    struct line_pending *pending;
    bool is_silent = false;

    (void)fd, (void)what;
    while ((pending = TAILQ_FIRST(&client->pending)) != NULL && pending->asked <= limit) {
        is_silent = is_silent || (pending->sent != 0 && client->heard < pending->sent);
        TAILQ_REMOVE(&client->pending, pending, next);
        line_pending_return(pending, "the third party did not answer in time");
    }
    if (is_silent && client->wire.ssl != NULL)
        give_up(client, "nothing comes from the third party");
    watch(client);
}

/* A request has come to the line's loop. */
static void arrive(struct loop *loop, struct loop_message *message)
{
    struct line_pending *pending = (struct line_pending *)message;
    struct line_client *client = pending->client;

    (void)loop;
    pending->request.id = client->next_id++;
    TAILQ_INSERT_TAIL(&client->pending, pending, next);
    watch(client);
    if (client->wire.ssl == NULL)
        return; /* until the line is up, or was given up */
    if (send_one(client, pending))
        wait_for(&client->wait, WIRE_OK, 0);
    else
        give_up(client, "out of memory");
}

static struct flags_request *post(struct line_client *client, struct loop *loop,
                                  struct line_pending *pending, void *argument)
{
    pending->message.run = arrive;
    pending->client = client;
    pending->caller = loop;
    pending->argument = argument;
    pending->asked = clock_ms();
    loop_post(client->home, &pending->message);
    return (struct flags_request *)pending;
}

static bool copy(char text[LINE_TEXT_SIZE], const char *given)
{
    return OPENSSL_strlcpy(text, given, LINE_TEXT_SIZE) < LINE_TEXT_SIZE;
}

static struct flags_request *ask(struct flags *flags, struct loop *loop,
                                 const struct flags_query *query, flags_done *done, void *argument)
{
    struct line_client *client = (struct line_client *)flags;
    struct line_pending *pending = OPENSSL_zalloc(sizeof(*pending));
    struct line_request *request;

    if (pending == NULL || !copy(pending->request.identity, query->identity) ||
        !copy(pending->request.device, query->device)) {
        OPENSSL_free(pending);
        done(argument, FLAGS_FAILED, NULL, "out of memory");
        return NULL;
    }
    request = &pending->request;
    pending->done = done;
    memcpy(request->ks_naf, query->ks_naf, LINE_KEY_LENGTH);
    memcpy(request->nonce, query->nonce, NONCE_LENGTH);
    memcpy(request->ua_protocol_id, client->setup->ua_protocol_id, LINE_UA_LENGTH);
    (void)copy(request->naf_fqdn, client->setup->naf_fqdn);
    request->not_after = query->not_after;
    return post(client, loop, pending, argument);
}

static struct flags_request *ask_revocation(struct flags *flags, struct loop *loop,
                                            const char *identity, flags_revoked *done,
                                            void *argument)
{
    struct line_pending *pending = OPENSSL_zalloc(sizeof(*pending));

    if (pending == NULL || !copy(pending->request.identity, identity)) {
        OPENSSL_free(pending);
        done(argument, false, "out of memory");
        return NULL;
    }
    pending->revoked = done;
    pending->request.is_revocation = true;
    return post((struct line_client *)flags, loop, pending, argument);
}

static void cancel(struct flags *flags, struct flags_request *request)
{
    (void)flags;
    ((struct line_pending *)request)->is_cancelled = true;
}

static void release(struct flags *flags)
{
    struct line_client *client = (struct line_client *)flags;

    fail_all(client, "the end");
    dialer_stop(client->dialer);
    disconnect(client);
    if (client->retry != NULL)
        event_free(client->retry);
    if (client->overdue != NULL)
        event_free(client->overdue);
    OPENSSL_free(client);
}

static const struct flags_ops client_ops = {ask, ask_revocation, cancel, release};

static void start(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    connect_now(
        (struct line_client *)(void *)((char *)message - offsetof(struct line_client, start)));
}

struct flags *line_client_new(const struct line_client_setup *setup, struct line_tls *tls,
                              struct loops *loops)
{
    struct line_client *client = OPENSSL_zalloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->flags.ops = &client_ops;
    client->setup = setup;
    client->tls = tls;
    client->home = &loops->loop[0];
    client->pause = PAUSE_MS;
    TAILQ_INIT(&client->pending);
    client->retry = evtimer_new(client->home->base, on_retry, client);
    client->overdue = evtimer_new(client->home->base, on_overdue, client);
    if (client->retry == NULL || client->overdue == NULL) {
        release(&client->flags);
        return NULL;
    }
    client->start.run = start;
    loop_post(client->home, &client->start);
    return &client->flags;
}
