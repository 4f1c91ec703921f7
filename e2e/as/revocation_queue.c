/*
 * Revokes the outstanding keys of rows removed by a reload, retrying until done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/revocation_queue.h"

#include "net/clock.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "server/close_matching.h"
#include "server/server.h"
#include "store/store.h"
#include "third_party/key_issuer.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>

#define PAUSE_S  1    /* before the same is asked again */
#define BATCH    1024 /* rows */
#define SLICE_MS 2    /* that rows are asked for before events have their turn */

/* A row that is gone. It holds names, and no key. */
struct removal {
    TAILQ_ENTRY(removal) next;
    enum devices_loss loss;
    bool has_failed;
    int64_t until;                         /* clock_ms(): later its keys are too old */
    const char *identity, *device, *ka_id; /* in text */
    char text[];
};

/* Rows of one reload, whose connections end together. */
struct batch {
    struct loop_message message;
    struct revocation_queue *queue;
    size_t count;
    struct removal *removals[BATCH];
    struct store_scope scopes[BATCH];
};

/* Every row: there from the start, for when there is no memory for one. */
struct everything {
    struct loop_message message;
    struct revocation_queue *queue;
    struct removal *removal;
    atomic_bool is_posted;
    bool is_queued; /* the loop's */
};

/* What is not said to be otherwise belongs to the loop. */
struct revocation_queue {
    struct everything everything;
    struct revocation_setup setup; /* fixed */
    struct loop *loop;             /* fixed */
    struct event *retry;           /* NULL: stopped */
    TAILQ_HEAD(, removal) queue;
    struct third_party_request *request; /* for the first one; NULL: none is under way */
    struct batch *batch;                 /* of the thread that reloads: not full yet */
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

static void log_removal(const struct removal *removal, const char *result, const char *reason)
{
    log_event("revocation", "result", result, "device", removal->device, "identity",
              removal->loss == DEVICES_LOST_IDENTITY ? removal->identity : NULL, "ka-id",
              removal->ka_id[0] == '\0' ? NULL : removal->ka_id, "reason", reason, NULL);
}

static void drop_first(struct revocation_queue *queue)
{
    struct removal *first = TAILQ_FIRST(&queue->queue);

    TAILQ_REMOVE(&queue->queue, first, next);
    if (first == queue->everything.removal)
        queue->everything.is_queued = false;
    else
        OPENSSL_free(first);
}

static void ask_again_later(struct revocation_queue *queue, const char *reason)
{
    static const struct timeval pause = {.tv_sec = PAUSE_S};
    struct removal *first = TAILQ_FIRST(&queue->queue);

    if (!first->has_failed)
        log_removal(first, "failed", reason);
    first->has_failed = true;
    loop_add_event(queue->retry, &pause);
}

/* The answer for the first one. */
static void settle_first(struct revocation_queue *queue,
                         const struct third_party_revocation *revocation)
{
    const struct removal *first = TAILQ_FIRST(&queue->queue);

    if (!revocation->is_done && clock_ms() < first->until) {
        ask_again_later(queue, revocation->reason);
        return;
    }
    if (!revocation->is_done)
        log_removal(first, "expired", "its keys could not be revoked before they expired");
    else if (first->has_failed)
        log_removal(first, "done", NULL);
    drop_first(queue);
}

static void ask_next(struct revocation_queue *queue);

static void on_revoked(void *argument, const struct third_party_revocation *revocation)
{
    struct revocation_queue *queue = argument;

    queue->request = NULL;
    settle_first(queue, revocation);
    ask_next(queue);
}

static struct third_party_request *ask_third_party(struct revocation_queue *queue,
                                                   const struct removal *removal,
                                                   struct third_party_revocation *now)
{
    const struct revocation_setup *setup = &queue->setup;
    const struct store_scope scope = scope_of(removal);

    if (setup->issuer != NULL)
        return key_issuer_revoke_matching(setup->issuer, queue->loop, &scope, on_revoked, queue,
                                          now);
    return setup->third_party->ops->revoke(setup->third_party, queue->loop, removal->identity,
                                           on_revoked, queue, now);
}

/* Ask for one after the other, until an answer or the end of a pause has to be waited for. */
static void ask_next(struct revocation_queue *queue)
{
    static const struct timeval at_once = {.tv_sec = 0};
    const int64_t end = clock_ms() + SLICE_MS;
    struct third_party_revocation now;

    while (queue->retry != NULL && queue->request == NULL &&
           !event_pending(queue->retry, EV_TIMEOUT, NULL) && !TAILQ_EMPTY(&queue->queue)) {
        if (clock_ms() >= end) {
            loop_add_event(queue->retry, &at_once);
            return;
        }
        queue->request = ask_third_party(queue, TAILQ_FIRST(&queue->queue), &now);
        if (queue->request == NULL)
            settle_first(queue, &now);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    ask_next(argument);
}

/* No connection runs on the rows any more, so that nobody is asked for a flag with their keys. */
static void on_batch(struct loop *loop, struct loop_message *message)
{
    struct batch *batch = (struct batch *)message;
    struct revocation_queue *queue = batch->queue;

    (void)loop;
    for (size_t i = 0; i < batch->count; i++)
        TAILQ_INSERT_TAIL(&queue->queue, batch->removals[i], next);
    OPENSSL_free(batch);
    ask_next(queue);
}

static void arrive_everything(struct loop *loop, struct loop_message *message)
{
    struct everything *everything = (struct everything *)message;
    struct revocation_queue *queue = everything->queue;

    (void)loop;
    atomic_store(&everything->is_posted, false);
    everything->removal->until = clock_ms() + (int64_t)queue->setup.lifetime * 1000;
    everything->removal->has_failed = false;
    if (!everything->is_queued)
        TAILQ_INSERT_TAIL(&queue->queue, everything->removal, next);
    everything->is_queued = true;
    ask_next(queue);
}

/* A NAF's third party is asked for one identity at a time: there, connections alone end. */
void revocation_queue_miss(struct revocation_queue *queue)
{
    server_close_everyone(queue->setup.server);
    if (queue->setup.issuer != NULL && !atomic_exchange(&queue->everything.is_posted, true))
        loop_post(queue->loop, &queue->everything.message);
}

void revocation_queue_flush(struct revocation_queue *queue)
{
    struct batch *batch = queue->batch;

    queue->batch = NULL;
    if (batch == NULL || server_close_matching_any(queue->setup.server, batch->scopes, batch->count,
                                                   queue->loop, &batch->message))
        return;
    server_close_everyone(queue->setup.server);
    loop_post(queue->loop, &batch->message);
}

static char *put_text(char **place, const char *text)
{
    const size_t size = text == NULL ? 0 : strlen(text) + 1;
    char *copy = *place;

    if (text != NULL)
        memcpy(copy, text, size);
    *place += size;
    return text == NULL ? NULL : copy;
}

static struct removal *removal_new(const struct revocation_queue *queue, const struct device *row,
                                   enum devices_loss loss)
{
    const size_t device = row->device == NULL ? 0 : strlen(row->device);
    struct removal *removal =
        OPENSSL_zalloc(sizeof(*removal) + strlen(row->identity) + device + strlen(row->ka_id) + 3);
    char *place;

    if (removal == NULL)
        return NULL;
    place = removal->text;
    removal->loss = loss;
    removal->until = clock_ms() + (int64_t)queue->setup.lifetime * 1000;
    removal->identity = put_text(&place, row->identity);
    removal->device = put_text(&place, row->device);
    removal->ka_id = put_text(&place, row->ka_id);
    return removal;
}

/* Room for one more row; false: out of memory. */
static bool make_room(struct revocation_queue *queue)
{
    if (queue->batch != NULL && queue->batch->count == BATCH)
        revocation_queue_flush(queue);
    if (queue->batch != NULL)
        return true;
    queue->batch = OPENSSL_zalloc(sizeof(*queue->batch));
    if (queue->batch == NULL)
        return false;
    queue->batch->message.run = on_batch;
    queue->batch->queue = queue;
    return true;
}

bool revocation_queue_add(struct revocation_queue *queue, const struct device *row,
                          enum devices_loss loss)
{
    struct removal *removal = make_room(queue) ? removal_new(queue, row, loss) : NULL;
    struct batch *batch = queue->batch;

    if (removal == NULL) {
        log_event("revocation", "result", "failed", "device", row->device, "reason",
                  "out of memory", NULL);
        return false;
    }
    log_event("row-removed", "device", removal->device, "identity",
              loss == DEVICES_LOST_IDENTITY ? removal->identity : NULL, "ka-id",
              removal->ka_id[0] == '\0' ? NULL : removal->ka_id, NULL);
    metrics_count(METRIC_REVOCATIONS);
    batch->removals[batch->count] = removal;
    batch->scopes[batch->count++] = scope_of(removal);
    return true;
}

static bool reserve(struct revocation_queue *queue)
{
    static const struct device every = {.identity = "", .ka_id = ""};

    queue->everything.message.run = arrive_everything;
    queue->everything.queue = queue;
    queue->everything.removal = removal_new(queue, &every, DEVICES_LOST_DEVICE);
    return queue->everything.removal != NULL;
}

struct revocation_queue *revocation_queue_new(const struct revocation_setup *setup)
{
    struct revocation_queue *queue = OPENSSL_zalloc(sizeof(*queue));

    if (queue == NULL)
        return NULL;
    queue->setup = *setup;
    queue->loop = &setup->server->loops->loop[0];
    TAILQ_INIT(&queue->queue);
    queue->retry = evtimer_new(queue->loop->base, on_retry, queue);
    if (queue->retry != NULL && reserve(queue))
        return queue;
    if (queue->retry != NULL)
        event_free(queue->retry);
    revocation_queue_free(queue);
    return NULL;
}

void revocation_queue_stop(struct revocation_queue *queue)
{
    if (queue == NULL)
        return;
    if (queue->request != NULL)
        queue->request->cancel(queue->request);
    queue->request = NULL;
    event_free(queue->retry);
    queue->retry = NULL;
}

void revocation_queue_free(struct revocation_queue *queue)
{
    if (queue == NULL)
        return;
    while (!TAILQ_EMPTY(&queue->queue))
        drop_first(queue);
    OPENSSL_free(queue->everything.removal);
    OPENSSL_free(queue);
}
