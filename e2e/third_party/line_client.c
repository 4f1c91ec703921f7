/*
 * The NAF's side of the line: the third party of flags.h at the other end of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/line_client.h"

#include "net/clock.h"
#include "third_party/line_connection.h"

#include <openssl/crypto.h>
#include <string.h>

static void watch(struct line_client *client)
{
    const struct line_pending *oldest = TAILQ_FIRST(&client->pending);
    int64_t left;
    struct timeval wait;

    if (oldest == NULL || event_pending(client->overdue, EV_TIMEOUT, NULL))
        return;
    left = oldest->asked + LINE_LIMIT_MS - clock_ms() + 1;
    left = left < 1 ? 1 : left;
    wait = (struct timeval){left / 1000, left % 1000 * 1000};
    (void)event_add(client->overdue, &wait);
}

/* The oldest have waited too long. Where nothing at all has come since, the line is dead. */
static void on_overdue(evutil_socket_t fd, short what, void *argument)
{
    struct line_client *client = argument;
    const int64_t limit = clock_ms() - LINE_LIMIT_MS;
    struct line_pending *pending;
    bool is_silent = false;

    (void)fd, (void)what;
    while ((pending = TAILQ_FIRST(&client->pending)) != NULL && pending->asked <= limit) {
        is_silent = is_silent || (pending->sent != 0 && client->heard < pending->sent);
        TAILQ_REMOVE(&client->pending, pending, next);
        line_pending_return(pending, "the third party did not answer in time");
    }
    if (is_silent && client->wire.ssl != NULL)
        line_connection_give_up(client, "nothing comes from the third party");
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
    line_connection_send(client, pending);
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

    line_connection_end(client);
    if (client->overdue != NULL)
        event_free(client->overdue);
    OPENSSL_free(client);
}

static const struct flags_ops client_ops = {ask, ask_revocation, cancel, release};

static void start(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    line_connection_make(
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
    TAILQ_INIT(&client->pending);
    client->overdue = evtimer_new(client->home->base, on_overdue, client);
    if (!line_connection_set_up(client) || client->overdue == NULL) {
        release(&client->flags);
        return NULL;
    }
    client->start.run = start;
    loop_post(client->home, &client->start);
    return &client->flags;
}
