/*
 * The NAF's side of the line: the third party of third_party.h at the other end of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/tp_link_client.h"

#include "net/clock.h"
#include "third_party/tp_link.h"

#include <openssl/crypto.h>
#include <string.h>

static void watch(struct tp_link_client *client)
{
    const struct tp_link_pending *oldest = TAILQ_FIRST(&client->pending);
    int64_t left;
    struct timeval watch;

    if (oldest == NULL || event_pending(client->overdue, EV_TIMEOUT, NULL))
        return;
    left = oldest->asked + TP_LINK_LIMIT_MS - clock_ms() + 1;
    left = left < 1 ? 1 : left;
    watch = (struct timeval){left / 1000, left % 1000 * 1000};
    loop_add_event(client->overdue, &watch);
}

/* The oldest have waited too long. Where nothing at all has come since, the line is dead. */
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
    if (is_silent && client->lines.ssl != NULL)
        tp_link_give_up(client, "nothing comes from the third party");
    watch(client);
}

/* A request has come to the line's loop. */
static void arrive(struct loop *loop, struct loop_message *message)
{
    struct tp_link_pending *pending = (struct tp_link_pending *)message;
    struct tp_link_client *client = pending->client;

    (void)loop;
    pending->request.id = client->next_id++;
    TAILQ_INSERT_TAIL(&client->pending, pending, next);
    watch(client);
    tp_link_send(client, pending);
}

static struct third_party_request *post(struct tp_link_client *client, struct loop *loop,
                                        struct tp_link_pending *pending, void *argument)
{
    pending->message.run = arrive;
    pending->client = client;
    pending->caller = loop;
    pending->argument = argument;
    pending->asked = clock_ms();
    loop_post(client->home, &pending->message);
    return (struct third_party_request *)pending;
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
        !copy(pending->request.device, query->device)) {
        OPENSSL_free(pending);
        third_party_answer_set(now, FLAG_FAILED, "out of memory");
        return NULL;
    }
    request = &pending->request;
    pending->done = done;
    memcpy(request->ks_naf, query->ks_naf, TP_LINK_KEY_LENGTH);
    memcpy(request->nonce, query->nonce, NONCE_LENGTH);
    memcpy(request->ua_protocol_id, client->setup->ua_protocol_id, TP_LINK_UA_LENGTH);
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

static void cancel(struct third_party *third_party, struct third_party_request *request)
{
    (void)third_party;
    ((struct tp_link_pending *)request)->is_cancelled = true;
}

static void client_free(struct third_party *third_party)
{
    struct tp_link_client *client = (struct tp_link_client *)third_party;

    tp_link_end(client);
    if (client->overdue != NULL)
        event_free(client->overdue);
    OPENSSL_free(client);
}

static const struct third_party_ops client_ops = {ask, ask_revocation, cancel, client_free};

static void start_link(struct loop *loop, struct loop_message *message)
{
    (void)loop;
    tp_link_make((struct tp_link_client *)(void *)((char *)message -
                                                   offsetof(struct tp_link_client, start)));
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
