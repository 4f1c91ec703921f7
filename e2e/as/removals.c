/*
 * Rows that are gone from the devices file, until what they gave is void
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/removals.h"

#include "net/clock.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "store/store.h"
#include "third_party/flagger.h"

#include <openssl/crypto.h>

#define PAUSE_S 1 /* before the same is asked again */

/* A row that is gone. It holds names, and no key. */
struct removal {
    struct loop_message message;
    TAILQ_ENTRY(removal) next;
    struct removals *removals;
    enum devices_loss loss;
    bool has_failed;
    int64_t until; /* clock_ms(): later its keys are too old */
    char identity[STORE_TEXT_SIZE], device[STORE_TEXT_SIZE], ka_id[STORE_TEXT_SIZE];
};

/* What is not said to be otherwise belongs to the loop. */
struct removals {
    struct server *server; /* fixed */
    struct loop *loop;     /* fixed */
    int64_t lifetime;      /* fixed: milliseconds */
    struct event *retry;   /* NULL: stopped */
    TAILQ_HEAD(, removal) queue;
    struct flags_request *request; /* for the first one; NULL: none is under way */
    bool is_going;
};

static struct store_scope scope_of(const struct removal *removal)
{
    switch (removal->loss) {
    case DEVICES_LOST_IDENTITY:
        return (struct store_scope){.subject = removal->identity};
    case DEVICES_LOST_KA:
        return (struct store_scope){.device = removal->device, .ka_id = removal->ka_id};
    default:
        return (struct store_scope){.device = removal->device};
    }
}

static void say(const struct removal *removal, const char *result, const char *reason)
{
    log_event("revocation", "result", result, "device", removal->device, "identity",
              removal->loss == DEVICES_LOST_IDENTITY ? removal->identity : NULL, "ka-id",
              removal->ka_id[0] == '\0' ? NULL : removal->ka_id, "reason", reason, NULL);
}

static void drop_first(struct removals *removals)
{
    struct removal *first = TAILQ_FIRST(&removals->queue);

    TAILQ_REMOVE(&removals->queue, first, next);
    OPENSSL_free(first);
}

static void ask_again_later(struct removals *removals, const char *reason)
{
    static const struct timeval pause = {.tv_sec = PAUSE_S};
    struct removal *first = TAILQ_FIRST(&removals->queue);

    if (!first->has_failed)
        say(first, "failed", reason);
    first->has_failed = true;
    (void)event_add(removals->retry, &pause);
}

static void go_on(struct removals *removals);

/* The answer for the first one; perhaps during the call that asks. */
static void on_voided(void *argument, bool voided, const char *reason)
{
    struct removals *removals = argument;
    const struct removal *first = TAILQ_FIRST(&removals->queue);

    removals->request = NULL;
    if (!voided && clock_ms() < first->until) {
        ask_again_later(removals, reason);
        return;
    }
    if (!voided)
        say(first, "expired", "its keys could not be voided before they were too old");
    else if (first->has_failed)
        say(first, "done", NULL);
    drop_first(removals);
    go_on(removals);
}

static struct flags_request *ask(struct removals *removals, const struct removal *removal)
{
    struct server *server = removals->server;
    const struct store_scope scope = scope_of(removal);

    if (server->flagger != NULL)
        return flagger_void(server->flagger, removals->loop, &scope, on_voided, removals);
    return server->flags->ops->revoke(server->flags, removals->loop, removal->identity, on_voided,
                                      removals);
}

/* Ask for one after the other, until an answer or the end of a pause has to be waited for. */
static void go_on(struct removals *removals)
{
    if (removals->is_going)
        return;
    removals->is_going = true;
    while (removals->retry != NULL && removals->request == NULL &&
           !event_pending(removals->retry, EV_TIMEOUT, NULL) && !TAILQ_EMPTY(&removals->queue))
        removals->request = ask(removals, TAILQ_FIRST(&removals->queue));
    removals->is_going = false;
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    go_on(argument);
}

/* No connection runs on the row any more, so that nobody is asked for a flag with its key. */
static void arrive(struct loop *loop, struct loop_message *message)
{
    struct removal *removal = (struct removal *)message;
    struct removals *removals = removal->removals;

    (void)loop;
    TAILQ_INSERT_TAIL(&removals->queue, removal, next);
    go_on(removals);
}

void removals_add(struct removals *removals, const struct device *row, enum devices_loss loss)
{
    struct removal *removal = OPENSSL_zalloc(sizeof(*removal));
    struct store_scope scope;

    if (removal == NULL) {
        log_event("revocation", "result", "failed", "device", row->device, "reason",
                  "out of memory", NULL);
        return;
    }
    removal->message.run = arrive;
    removal->removals = removals;
    removal->loss = loss;
    removal->until = clock_ms() + removals->lifetime;
    (void)OPENSSL_strlcpy(removal->identity, row->identity, sizeof(removal->identity));
    (void)OPENSSL_strlcpy(removal->device, row->device, sizeof(removal->device));
    (void)OPENSSL_strlcpy(removal->ka_id, row->ka_id, sizeof(removal->ka_id));
    log_event("row-removed", "device", removal->device, "identity",
              loss == DEVICES_LOST_IDENTITY ? removal->identity : NULL, "ka-id",
              removal->ka_id[0] == '\0' ? NULL : removal->ka_id, NULL);
    metrics_count(METRIC_REVOCATIONS);
    scope = scope_of(removal);
    if (server_end(removals->server, &scope, removals->loop, &removal->message))
        return;
    say(removal, "failed", "out of memory: its connections run on");
    loop_post(removals->loop, &removal->message);
}

struct removals *removals_new(struct server *server, unsigned int lifetime)
{
    struct removals *removals = OPENSSL_zalloc(sizeof(*removals));

    if (removals == NULL)
        return NULL;
    removals->server = server;
    removals->loop = &server->loops->loop[0];
    removals->lifetime = (int64_t)lifetime * 1000;
    TAILQ_INIT(&removals->queue);
    removals->retry = evtimer_new(removals->loop->base, on_retry, removals);
    if (removals->retry != NULL)
        return removals;
    removals_free(removals);
    return NULL;
}

static void cancel(struct removals *removals)
{
    struct server *server = removals->server;

    if (server->flagger != NULL)
        flagger_cancel(server->flagger, removals->request);
    else
        server->flags->ops->cancel(server->flags, removals->request);
    removals->request = NULL;
}

void removals_stop(struct removals *removals)
{
    if (removals == NULL)
        return;
    if (removals->request != NULL)
        cancel(removals);
    event_free(removals->retry);
    removals->retry = NULL;
}

void removals_free(struct removals *removals)
{
    if (removals == NULL)
        return;
    while (!TAILQ_EMPTY(&removals->queue))
        drop_first(removals);
    OPENSSL_free(removals);
}
