/*
 * Look-ups of Ka's in a database: from the loop that asks to the database's loop, and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_lookups.h"

#include "net/clock.h"
#include "ops/metrics.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define IN_FLIGHT   64    /* with the database at a time */
#define LOOKUPS_MAX 16384 /* that have no answer yet */
#define ASKER_MS    250   /* after the time limit, for a thread that does not even refuse */

/* The loop that asks owns done, argument and limit; the rest is the database's loop's until it is
 * answered.
 */
struct ka_request {
    struct loop_message message;
    TAILQ_ENTRY(ka_request) next;
    struct ka_lookups *lookups;
    struct loop *asker;
    ka_done *done; /* NULL: nobody waits any more */
    void *argument;
    struct event *limit; /* on the asker's loop: this thread may hang, in a resolver; NULL: over */
    int64_t deadline;    /* clock_ms() */
    int64_t asked_at;    /* clock_us() */
    struct flying *flying;
    bool has_ka_id;
    char device[KA_TEXT_SIZE], ka_id[KA_TEXT_SIZE];
    struct ka_answer answer;
};

TAILQ_HEAD(requests, ka_request);

/* One that the database has been asked. */
struct flying {
    LIST_ENTRY(flying) next;
    struct ka_lookups *lookups;
    struct ka_request *request; /* NULL: its time was over */
};

struct ka_lookups {
    struct ka_lookups_setup setup;
    atomic_size_t count; /* asked and not answered */
    /* the database's loop's */
    struct pg_client *client; /* NULL: it is gone */
    struct requests waiting, asked;
    LIST_HEAD(, flying) flying;
    size_t in_flight;
};

/* Answers */

static void request_free(struct ka_request *request)
{
    if (request->limit != NULL)
        event_free(request->limit);
    OPENSSL_free(request);
}

/* On the loop that asked. */
static void deliver(struct loop *loop, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;
    struct ka_lookups *lookups = request->lookups;

    (void)loop;
    atomic_fetch_sub(&lookups->count, 1);
    if (request->done != NULL) {
        metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
        request->done(request->argument, &request->answer);
    } else {
        lookups->setup.source->ops->release(lookups->setup.source, &request->answer);
    }
    request_free(request);
}

/* The answer still comes, and deliver() releases it. */
void ka_lookups_cancel(struct ka_request *request)
{
    request->done = NULL;
    event_free(request->limit);
    request->limit = NULL;
}

/* On the loop that asked. */
static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct ka_request *request = argument;
    ka_done *done = request->done;
    void *its = request->argument;
    struct ka_answer answer;

    (void)fd, (void)what;
    metrics_observe(METRIC_TIME_KA, (double)(clock_us() - request->asked_at) / 1e6);
    ka_lookups_cancel(request);
    ka_answer_set(&answer, KA_UNAVAILABLE, "Ka's database: no answer in time");
    done(its, &answer);
}

static void send_answer(struct ka_request *request)
{
    request->message.run = deliver;
    loop_post(request->asker, &request->message);
}

static void refuse(struct ka_request *request, const char *why)
{
    char reason[KA_REASON_SIZE];

    (void)snprintf(reason, sizeof(reason), "Ka's database: %.220s", why);
    ka_answer_set(&request->answer, KA_UNAVAILABLE, reason);
    send_answer(request);
}

static void read_result(struct ka_request *request, const PGresult *result)
{
    const struct ka_lookups_setup *setup = &request->lookups->setup;
    char said[POSTGRESQL_FAULT_SIZE];
    const char *wrong = NULL;

    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        postgresql_say(said, PQresultErrorMessage(result));
        wrong = said;
    } else if (PQntuples(result) == 0) {
        ka_answer_set(&request->answer, KA_NONE, NULL);
    } else {
        wrong = setup->read(setup->source, request->device, result, &request->answer);
    }
    if (wrong != NULL)
        refuse(request, wrong);
    else
        send_answer(request);
}

/* The database */

static void on_result(void *argument, const PGresult *result, const char *reason)
{
    struct flying *flying = argument;
    struct ka_lookups *lookups = flying->lookups;
    struct ka_request *request = flying->request;

    (void)reason;
    LIST_REMOVE(flying, next);
    OPENSSL_free(flying);
    lookups->in_flight--;
    if (request != NULL) {
        TAILQ_REMOVE(&lookups->asked, request, next);
        request->flying = NULL;
    }
    if (request != NULL && result == NULL)
        TAILQ_INSERT_HEAD(&lookups->waiting, request, next); /* for the next connection */
    else if (request != NULL)
        read_result(request, result);
    ka_lookups_send(lookups);
}

/* False: it cannot be sent now. */
static bool send_request(struct ka_lookups *lookups, struct ka_request *request)
{
    const struct ka_lookups_setup *setup = &lookups->setup;
    const char *const texts[] = {request->device, request->ka_id};
    struct flying *flying = OPENSSL_zalloc(sizeof(*flying));

    if (flying == NULL)
        return false;
    flying->lookups = lookups;
    flying->request = request;
    if (!pg_client_send(lookups->client, request->has_ka_id ? setup->named : setup->newest,
                        request->has_ka_id ? 2 : 1, texts, on_result, flying)) {
        OPENSSL_free(flying);
        return false;
    }
    request->flying = flying;
    LIST_INSERT_HEAD(&lookups->flying, flying, next);
    TAILQ_REMOVE(&lookups->waiting, request, next);
    TAILQ_INSERT_TAIL(&lookups->asked, request, next);
    lookups->in_flight++;
    return true;
}

void ka_lookups_send(struct ka_lookups *lookups)
{
    while (lookups->in_flight < IN_FLIGHT && !TAILQ_EMPTY(&lookups->waiting) &&
           pg_client_is_ready(lookups->client) &&
           send_request(lookups, TAILQ_FIRST(&lookups->waiting)))
        continue;
}

static void end_late(struct ka_lookups *lookups, struct requests *requests, int64_t now)
{
    struct ka_request *request, *next;

    for (request = TAILQ_FIRST(requests); request != NULL; request = next) {
        next = TAILQ_NEXT(request, next);
        if (request->deadline > now)
            continue;
        TAILQ_REMOVE(requests, request, next);
        if (request->flying != NULL)
            request->flying->request = NULL;
        refuse(request, pg_client_is_ready(lookups->client) ? "no answer in time"
                                                            : pg_client_reason(lookups->client));
    }
}

void ka_lookups_tick(struct ka_lookups *lookups)
{
    const int64_t now = clock_ms();

    end_late(lookups, &lookups->asked, now);
    end_late(lookups, &lookups->waiting, now);
    ka_lookups_send(lookups);
}

/* Requests */

/* A request arrives at the database's loop. */
static void on_request(struct loop *loop, struct loop_message *message)
{
    struct ka_request *request = (struct ka_request *)message;
    struct ka_lookups *lookups = request->lookups;

    (void)loop;
    TAILQ_INSERT_TAIL(&lookups->waiting, request, next);
    if (lookups->client != NULL)
        ka_lookups_send(lookups);
}

static struct ka_request *request_new(struct ka_lookups *lookups, struct loop *loop,
                                      const struct ka_query *query)
{
    const char *device = query->device[0] == '\0' ? query->identity : query->device;
    struct ka_request *request = OPENSSL_zalloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    request->limit = evtimer_new(loop->base, on_limit, request);
    if (request->limit == NULL) {
        OPENSSL_free(request);
        return NULL;
    }
    request->message.run = on_request;
    request->lookups = lookups;
    request->asker = loop;
    request->deadline = clock_ms() + lookups->setup.timeout_ms;
    request->asked_at = clock_us();
    request->has_ka_id = query->ka_id != NULL;
    (void)OPENSSL_strlcpy(request->device, device, sizeof(request->device));
    (void)OPENSSL_strlcpy(request->ka_id, request->has_ka_id ? query->ka_id : "",
                          sizeof(request->ka_id));
    return request;
}

struct ka_request *ka_lookups_ask(struct ka_lookups *lookups, struct loop *loop,
                                  const struct ka_query *query, ka_done *done, void *argument,
                                  struct ka_answer *now)
{
    const bool is_full = atomic_fetch_add(&lookups->count, 1) >= LOOKUPS_MAX;
    struct ka_request *request = is_full ? NULL : request_new(lookups, loop, query);

    if (request == NULL) {
        atomic_fetch_sub(&lookups->count, 1);
        ka_answer_set(now, KA_UNAVAILABLE,
                      is_full ? "Ka's database: too many look-ups wait" : "out of memory");
        return NULL;
    }
    request->done = done;
    request->argument = argument;
    loop_add_timer(request->limit, lookups->setup.timeout_ms + ASKER_MS);
    loop_post(lookups->setup.loop, &request->message);
    return request;
}

/* The beginning and the end */

struct ka_lookups *ka_lookups_new(const struct ka_lookups_setup *setup)
{
    struct ka_lookups *lookups = OPENSSL_zalloc(sizeof(*lookups));

    if (lookups == NULL)
        return NULL;
    lookups->setup = *setup;
    TAILQ_INIT(&lookups->waiting);
    TAILQ_INIT(&lookups->asked);
    LIST_INIT(&lookups->flying);
    return lookups;
}

void ka_lookups_use(struct ka_lookups *lookups, struct pg_client *client)
{
    lookups->client = client;
}

static void drop_requests(struct requests *requests)
{
    struct ka_request *request;

    while ((request = TAILQ_FIRST(requests)) != NULL) {
        TAILQ_REMOVE(requests, request, next);
        request_free(request);
    }
}

void ka_lookups_drop(struct ka_lookups *lookups)
{
    struct flying *flying;

    while ((flying = LIST_FIRST(&lookups->flying)) != NULL) {
        LIST_REMOVE(flying, next);
        OPENSSL_free(flying);
    }
    drop_requests(&lookups->asked);
    drop_requests(&lookups->waiting);
}

void ka_lookups_free(struct ka_lookups *lookups)
{
    OPENSSL_free(lookups);
}
