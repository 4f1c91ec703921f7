/*
 * The NAF's side of the link: the third party of third_party.h at the other end of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_client.h"

#include "messages/tp_link_messages.h"
#include "net/clock.h"
#include "net/io_watch.h"
#include "net/loop.h"
#include "net/tls_backlog.h"
#include "ops/audit.h"
#include "ops/health.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "printable.h"
#include "queue.h"
#include "third_party/dialer.h"
#include "third_party/third_party.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct tp_link_client;

/* A request of a caller's loop, on the link's loop, and back with its answer. */
struct tp_link_pending {
    struct loop_message message; /* on its way to one of the two loops */
    struct third_party_request handle;
    TAILQ_ENTRY(tp_link_pending) next;
    struct loop *caller;
    struct tp_link_client *client;
    const struct tp_link_client_setup *setup; /* of the client, which may be gone at the answer */
    struct tp_link_request request;
    int64_t asked, sent; /* clock_ms(); sent 0: not yet */
    struct tp_link_answer answer;
    const char *reason; /* there is no answer: why; NULL: there is one */
    /* the caller's */
    third_party_done *done;
    third_party_revoked *revoked;
    void *argument;
    bool is_cancelled;
};

TAILQ_HEAD(tp_link_pendings, tp_link_pending);

#define TP_LINK_LIMIT_MS 3000 /* for an answer, and for a connection to be up */

enum link_state {
    LINK_WAITING,    /* for the next attempt to connect */
    LINK_CONNECTING, /* TCP, and the TLS handshake */
    LINK_SETTLING,   /* connected; the third party may still refuse our certificate (TLS 1.3) */
    LINK_UP,
    LINK_ENDED /* a request that comes too late gets an error */
};

struct tp_link_client {
    struct third_party third_party;
    const struct tp_link_client_setup *setup;
    struct tp_link_tls *tls;
    struct loop *home;
    struct loop_message start, release;
    enum link_state state;
    struct dialer *dialer;  /* LINK_CONNECTING */
    struct tls_lines lines; /* LINK_SETTLING, LINK_UP */
    struct io_watch watch;
    struct event *retry, *overdue, *settled;
    int64_t pause;     /* milliseconds */
    int64_t up, heard; /* clock_ms() of the handshake's end, of the last octet */
    int64_t next_id;
    struct tp_link_verified verified; /* of this connection */
    struct tp_link_pendings pending;  /* oldest first */
};

static void tp_link_end(struct tp_link_client *client);

/* Why there is no answer, or what the third party says instead of one; NULL: there is one. */
static const char *failure(const struct tp_link_pending *pending, char said[JSON_FAULT_SIZE + 40])
{
    if (pending->reason != NULL || pending->answer.verdict != TP_LINK_ERROR)
        return pending->reason;
    (void)snprintf(said, JSON_FAULT_SIZE + 40, "the third party says: %s", pending->answer.error);
    return said;
}

static void call_back(const struct tp_link_pending *pending)
{
    static const enum third_party_result failures[] = {
        [TP_LINK_THIRD_PARTY] = FLAG_FAILED,
        [TP_LINK_STORE] = FLAG_UNSTORED,
        [TP_LINK_KA] = FLAG_WITHOUT_KA,
    };
    char said[JSON_FAULT_SIZE + 40];
    const char *reason = failure(pending, said);
    struct third_party_revocation revocation;
    struct third_party_answer answer;

    if (pending->revoked != NULL) {
        audit("key-revoked", "key", "Ks_NAF", "identity", pending->request.identity, "naf",
              pending->setup->naf_fqdn, "result", reason == NULL ? "done" : "failed", NULL);
        third_party_revocation_set(&revocation, reason == NULL, reason);
        pending->revoked(pending->argument, &revocation);
        return;
    }
    third_party_answer_set(&answer, reason != NULL ? failures[pending->answer.culprit] : FLAG_NO_KA,
                           reason);
    if (reason == NULL && pending->answer.flag.e2e) {
        answer.result = FLAG_ISSUED;
        answer.flag = pending->answer.flag;
    }
    pending->done(pending->argument, &answer);
}

static void come_back(struct loop *loop, struct loop_message *message)
{
    struct tp_link_pending *pending = (struct tp_link_pending *)message;

    (void)loop;
    metrics_observe(METRIC_TIME_THIRD_PARTY, (double)(clock_ms() - pending->asked) / 1000);
    if (!pending->is_cancelled)
        call_back(pending);
    OPENSSL_clear_free(pending, sizeof(*pending));
}

/* Send a request that has its answer, or a reason why there is none, back to its caller. */
static void tp_link_pending_return(struct tp_link_pending *pending, const char *reason)
{
    OPENSSL_cleanse(pending->request.ks_naf, sizeof(pending->request.ks_naf));
    pending->reason = reason;
    pending->message.run = come_back;
    loop_post(pending->caller, &pending->message);
}

#define SETTLE_S 1 /* a certificate is refused after the handshake in TLS 1.3 */
/* The pause doubles with each failure, and is the first one again after an answer, or after a
 * connection that was up for PAUSE_MAX_MS. */
#define PAUSE_MS     100
#define PAUSE_MAX_MS 5000

static void fail_all(struct tp_link_client *client, const char *reason)
{
    struct tp_link_pending *pending;

    while ((pending = TAILQ_FIRST(&client->pending)) != NULL) {
        TAILQ_REMOVE(&client->pending, pending, next);
        tp_link_pending_return(pending, reason);
    }
}

static bool is_connected(const struct tp_link_client *client)
{
    return client->state == LINK_SETTLING || client->state == LINK_UP;
}

static void disconnect(struct tp_link_client *client)
{
    SSL *ssl = client->lines.ssl;

    if (!is_connected(client))
        return;
    io_watch_cancel(&client->watch);
    tls_lines_clear(&client->lines);
    (void)SSL_shutdown(ssl);
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

/* The link is down: fail all pending requests and reconnect after a pause. */
static void tp_link_give_up(struct tp_link_client *client, const char *reason)
{
    /* a complete handshake proves nothing: in TLS 1.3 a certificate is refused after it */
    if (is_connected(client) && clock_ms() - client->up >= PAUSE_MAX_MS)
        client->pause = PAUSE_MS;
    (void)event_del(client->settled);
    health_down(HEALTH_LINK, NULL, reason);
    log_event("line-down", "third-party", client->setup->host, "reason", reason, NULL);
    disconnect(client);
    client->state = LINK_WAITING;
    fail_all(client, "the link to the third party is down");
    loop_add_timer(client->retry, client->pause);
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

/* Take the request with this id out of the list; NULL: it waits no more. */
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
    static struct log_limit limit_late;
    struct tp_link_pending *pending;
    struct tp_link_answer answer;

    if (!tp_link_answer_decode(&answer, line, length, fault))
        return false;
    if (answer.id >= client->next_id)
        return json_line_fault(fault, "id: no request has this number", "");
    pending = find(client, answer.id);
    if (pending == NULL) {
        log_limited(&limit_late, "line-late", "third-party", client->setup->host, "reason",
                    "an answer that is no longer awaited", NULL);
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

/* The third party accepts our certificate: it has answered, or SETTLE_S is over. */
static void on_settled(evutil_socket_t fd, short what, void *argument)
{
    struct tp_link_client *client = argument;

    (void)fd, (void)what;
    (void)event_del(client->settled);
    client->state = LINK_UP;
    health_up(HEALTH_LINK, NULL);
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
        on_settled(-1, 0, client);
    }
    return IO_OK;
}

static void on_ready(void *argument, bool in_time)
{
    struct tp_link_client *client = argument;
    char fault[JSON_FAULT_SIZE] = "";
    enum io_status reading, writing;

    (void)in_time; /* no deadline: that of the requests counts */
    reading = read_answers(client, fault);
    writing = io_has_ended(reading) ? reading : tls_lines_write(&client->lines);
    if (io_has_ended(writing))
        tp_link_give_up(client, fault[0] != '\0' ? fault : io_status_text(writing));
    else if (reading == IO_OK || writing == IO_OK)
        io_watch_set(&client->watch, reading, 0);
    else
        io_watch_set(&client->watch, IO_WANT_EITHER, 0);
}

/* What was asked while there was no connection. False: out of memory. */
static bool send_all(struct tp_link_client *client)
{
    struct tp_link_pending *pending;

    TAILQ_FOREACH(pending, &client->pending, next)
    {
        if (!send_one(client, pending))
            return false;
    }
    return true;
}

static void on_connected(void *argument, SSL *ssl, const char *reason)
{
    static const struct timeval settle = {.tv_sec = SETTLE_S};
    struct tp_link_client *client = argument;

    client->dialer = NULL;
    if (ssl == NULL) {
        tp_link_give_up(client, reason);
        return;
    }
    client->state = LINK_SETTLING;
    loop_add_event(client->settled, &settle);
    log_event("line-up", "third-party", client->setup->host, NULL);
    client->lines = (struct tls_lines){.ssl = ssl};
    client->verified = (struct tp_link_verified){0, 0};
    client->up = client->heard = clock_ms();
    io_watch_init(&client->watch, client->home, SSL_get_fd(ssl), on_ready, client);
    if (tls_backlog_add(ssl) && send_all(client))
        io_watch_set(&client->watch, IO_OK, 0);
    else
        tp_link_give_up(client, "out of memory");
}

/* Connect, now. */
static void tp_link_make(struct tp_link_client *client)
{
    SSL_CTX *ctx = tp_link_tls_ctx(client->tls);

    client->state = LINK_CONNECTING;
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

/* False: out of memory; call tp_link_end() anyway. */
static bool tp_link_set_up(struct tp_link_client *client)
{
    client->pause = PAUSE_MS;
    client->retry = evtimer_new(client->home->base, on_retry, client);
    client->settled = evtimer_new(client->home->base, on_settled, client);
    return client->retry != NULL && client->settled != NULL;
}

/* Send a request that is in the list; while the link is not up it waits there. */
static void tp_link_send(struct tp_link_client *client, struct tp_link_pending *pending)
{
    if (!is_connected(client))
        return; /* until it is, or was given up */
    if (!tp_link_tls_verifies_still(client->tls, client->lines.ssl, &client->verified))
        tp_link_give_up(client, "the third party's certificate is no longer valid");
    else if (send_one(client, pending))
        io_watch_set(&client->watch, IO_OK, 0);
    else
        tp_link_give_up(client, "out of memory");
}

static void tp_link_end(struct tp_link_client *client)
{
    fail_all(client, "the end");
    dialer_stop(client->dialer);
    disconnect(client);
    client->state = LINK_ENDED;
    if (client->retry != NULL)
        event_free(client->retry);
    if (client->settled != NULL)
        event_free(client->settled);
}

static void watch(struct tp_link_client *client)
{
    const struct tp_link_pending *oldest = TAILQ_FIRST(&client->pending);
    int64_t left;

    if (oldest == NULL || event_pending(client->overdue, EV_TIMEOUT, NULL))
        return;
    left = oldest->asked + TP_LINK_LIMIT_MS - clock_ms() + 1;
    loop_add_timer(client->overdue, left < 1 ? 1 : left);
}

/* The oldest have waited too long. If nothing at all has come since, the link is dead. */
static void on_overdue(evutil_socket_t fd, short what, void *argument)
{
    struct tp_link_client *client = argument;
    const int64_t limit = clock_ms() - TP_LINK_LIMIT_MS;
    struct tp_link_pending *pending;
    bool is_silent = false;

    (void)fd, (void)what;
    while ((pending = TAILQ_FIRST(&client->pending)) != NULL && pending->asked <= limit) {
        is_silent = is_silent || (pending->sent != 0 && client->heard < pending->sent);
        TAILQ_REMOVE(&client->pending, pending, next);
        tp_link_pending_return(pending, "the third party did not answer in time");
    }
    if (is_silent && is_connected(client))
        tp_link_give_up(client, "nothing comes from the third party");
    watch(client);
}

/* A request has come to the link's loop. */
static void on_request(struct loop *loop, struct loop_message *message)
{
    struct tp_link_pending *pending = (struct tp_link_pending *)message;
    struct tp_link_client *client = pending->client;

    (void)loop;
    if (client->state == LINK_ENDED) {
        tp_link_pending_return(pending, "the end");
        return;
    }
    pending->request.id = client->next_id++;
    TAILQ_INSERT_TAIL(&client->pending, pending, next);
    watch(client);
    tp_link_send(client, pending);
}

static void cancel(struct third_party_request *handle)
{
    struct tp_link_pending *pending =
        (struct tp_link_pending *)(void *)((char *)handle -
                                           offsetof(struct tp_link_pending, handle));

    pending->is_cancelled = true;
}

static struct third_party_request *post(struct tp_link_client *client, struct loop *loop,
                                        struct tp_link_pending *pending, void *argument)
{
    pending->handle.cancel = cancel;
    pending->message.run = on_request;
    pending->client = client;
    pending->setup = client->setup;
    pending->caller = loop;
    pending->argument = argument;
    pending->asked = clock_ms();
    loop_post(client->home, &pending->message);
    return &pending->handle;
}

static bool copy(char text[TP_LINK_TEXT_SIZE], const char *given)
{
    return OPENSSL_strlcpy(text, given, TP_LINK_TEXT_SIZE) < TP_LINK_TEXT_SIZE;
}

static struct third_party_request *ask(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument,
                                       struct third_party_answer *now)
{
    struct tp_link_client *client = (struct tp_link_client *)third_party;
    struct tp_link_pending *pending = OPENSSL_zalloc(sizeof(*pending));
    struct tp_link_request *request;

    if (pending == NULL || !copy(pending->request.identity, query->identity) ||
        !copy(pending->request.device, query->device) ||
        !copy(pending->request.ka_id, query->ka_id == NULL ? "" : query->ka_id)) {
        OPENSSL_free(pending);
        third_party_answer_set(now, FLAG_FAILED, "out of memory");
        return NULL;
    }
    request = &pending->request;
    pending->done = done;
    memcpy(request->ks_naf, query->ks_naf, TP_LINK_KEY_LENGTH);
    memcpy(request->nonce, query->nonce, NONCE_LENGTH);
    memcpy(request->ua_protocol_id, query->ua_protocol_id, TP_LINK_UA_LENGTH);
    (void)copy(request->naf_fqdn, client->setup->naf_fqdn);
    request->not_after = query->not_after;
    return post(client, loop, pending, argument);
}

static struct third_party_request *ask_revocation(struct third_party *third_party,
                                                  struct loop *loop, const char *identity,
                                                  third_party_revoked *done, void *argument,
                                                  struct third_party_revocation *now)
{
    struct tp_link_pending *pending = OPENSSL_zalloc(sizeof(*pending));

    if (pending == NULL || !copy(pending->request.identity, identity)) {
        OPENSSL_free(pending);
        third_party_revocation_set(now, false, "out of memory");
        return NULL;
    }
    pending->revoked = done;
    pending->request.is_revocation = true;
    return post((struct tp_link_client *)third_party, loop, pending, argument);
}

static void release_client(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    OPENSSL_free((char *)message - offsetof(struct tp_link_client, release));
}

/* Its memory is released after what was posted to its loop before. */
static void client_free(struct third_party *third_party)
{
    struct tp_link_client *client = (struct tp_link_client *)third_party;

    tp_link_end(client);
    if (client->overdue != NULL)
        event_free(client->overdue);
    client->release.run = release_client;
    loop_post(client->home, &client->release);
}

static const struct third_party_ops client_ops = {ask, ask_revocation, client_free};

static void start_link(struct loop *loop, struct loop_message *message)
{
    struct tp_link_client *client =
        (struct tp_link_client *)(void *)((char *)message - offsetof(struct tp_link_client, start));

    (void)loop;
    if (client->state != LINK_ENDED)
        tp_link_make(client);
}

struct third_party *tp_link_client_new(const struct tp_link_client_setup *setup,
                                       struct tp_link_tls *tls, struct loops *loops)
{
    struct tp_link_client *client = OPENSSL_zalloc(sizeof(*client));

    if (client == NULL)
        return NULL;
    client->third_party.ops = &client_ops;
    client->setup = setup;
    client->tls = tls;
    client->home = &loops->loop[0];
    TAILQ_INIT(&client->pending);
    client->overdue = evtimer_new(client->home->base, on_overdue, client);
    if (!tp_link_set_up(client) || client->overdue == NULL) {
        client_free(&client->third_party);
        return NULL;
    }
    client->start.run = start_link;
    loop_post(client->home, &client->start);
    return &client->third_party;
}
