/*
 * Closing the connections that run on what was revoked, on every loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/close_matching.h"

#include "net/clock.h"
#include "ops/log.h"
#include "server/connection.h"
#include "store/store.h"

#include <openssl/crypto.h>
#include <string.h>

#define SLICE_MS       2  /* that one loop closes connections for before events have their turn */
#define SCOPES_AT_ONCE 16 /* between two checks of the clock */

/* For one loop: which connections are to end there. */
struct ending {
    struct loop_message message;
    struct worker *worker;
    struct close_matching *matching;
    size_t next; /* of the scopes */
};

/* For all of them. */
struct close_matching {
    const char *reason;
    const struct store_scope *scopes; /* own: of the texts; NULL: everything */
    size_t count;
    struct store_scope own;
    char texts[4][STORE_TEXT_SIZE];
    atomic_size_t left; /* loops that are not done yet; the last one releases it */
    struct loop *loop;  /* where then goes; NULL: nobody waits */
    struct loop_message *then;
    struct ending ending[]; /* one per loop */
};

/* It is not released. Where it was wanted meanwhile, loops that were done may have others now. */
static void settle_spare(struct server *server)
{
    unsigned int once = 1;

    atomic_store(&server->spare->left, server->loops->count);
    if (atomic_compare_exchange_strong(&server->spare_wanted, &once, 0))
        return;
    atomic_store(&server->spare_wanted, 1);
    close_matching_run(server, server->spare);
}

static void settle(struct server *server, struct close_matching *matching)
{
    if (atomic_fetch_sub(&matching->left, 1) > 1)
        return;
    if (matching == server->spare) {
        settle_spare(server);
        return;
    }
    if (matching->then != NULL)
        loop_post(matching->loop, matching->then);
    OPENSSL_free(matching);
}

static bool runs_on(const struct connection *connection, const struct store_scope *scope)
{
    return connection->kind->runs_on != NULL && connection->kind->runs_on(connection, scope);
}

/* One that runs on what scope describes; NULL: none is left. Device or identity say where to look.
 */
static struct connection *find_matching(struct worker *worker, const struct store_scope *scope)
{
    const enum connection_key key = scope->device != NULL ? KEY_OF_DEVICE : KEY_OF_SUBJECT;
    const char *text = scope->device != NULL ? scope->device : scope->subject;
    struct connection *connection;

    if (text == NULL) {
        TAILQ_FOREACH(connection, &worker->all, all)
        {
            if (runs_on(connection, scope))
                break;
        }
        return connection;
    }
    LIST_FOREACH(connection, connection_bucket(worker, key, text), alike[key])
    {
        if (runs_on(connection, scope))
            break;
    }
    return connection;
}

/* The next one to close, looking at some scopes; NULL: none of theirs is left. */
static struct connection *find_next(struct ending *ending)
{
    const struct close_matching *matching = ending->matching;
    struct connection *connection = NULL;

    if (matching->scopes == NULL)
        return TAILQ_FIRST(&ending->worker->all);
    for (size_t i = 0; i < SCOPES_AT_ONCE && ending->next < matching->count; i++) {
        connection = find_matching(ending->worker, &matching->scopes[ending->next]);
        if (connection != NULL)
            break;
        ending->next++;
    }
    return connection;
}

static bool has_more(const struct ending *ending)
{
    return ending->matching->scopes == NULL ? !TAILQ_EMPTY(&ending->worker->all)
                                            : ending->next < ending->matching->count;
}

static void end_here(struct loop *loop, struct loop_message *message)
{
    struct ending *ending = (struct ending *)message;
    const int64_t end = clock_ms() + SLICE_MS;
    struct connection *connection;

    while (has_more(ending) && clock_ms() < end)
        if ((connection = find_next(ending)) != NULL)
            connection_close(connection, ending->matching->reason);
    if (has_more(ending))
        loop_post(loop, message);
    else
        settle(ending->worker->server, ending->matching);
}

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    return given == NULL ? NULL : text;
}

static struct close_matching *close_matching_new(const struct server *server, const char *reason)
{
    const size_t count = server->loops->count;
    struct close_matching *matching =
        OPENSSL_zalloc(sizeof(*matching) + count * sizeof(matching->ending[0]));

    if (matching == NULL)
        return NULL;
    matching->reason = reason;
    atomic_init(&matching->left, count);
    return matching;
}

/* The last loop to be done frees what is run: not before the last message is posted. */
void close_matching_run(struct server *server, struct close_matching *matching)
{
    const size_t count = server->loops->count;

    for (size_t i = 0; i < count; i++) {
        matching->ending[i] = (struct ending){{end_here, NULL}, &server->workers[i], matching, 0};
        loop_post(server->workers[i].loop, &matching->ending[i].message);
    }
}

void close_matching_discard(struct close_matching *matching)
{
    OPENSSL_free(matching);
}

#define REVOKED "the key that it runs on was revoked"

struct close_matching *close_matching_prepare(const struct server *server,
                                              const struct store_scope *scope)
{
    struct close_matching *matching = close_matching_new(server, REVOKED);

    if (matching == NULL)
        return NULL;
    matching->own.device = copy(matching->texts[0], scope->device);
    matching->own.ka_id = copy(matching->texts[1], scope->ka_id);
    matching->own.subject = copy(matching->texts[2], scope->subject);
    matching->own.naf = copy(matching->texts[3], scope->naf);
    matching->scopes = &matching->own;
    matching->count = 1;
    return matching;
}

static bool run_then(struct server *server, struct close_matching *matching, struct loop *loop,
                     struct loop_message *then)
{
    if (matching == NULL)
        return false;
    matching->loop = loop;
    matching->then = then;
    close_matching_run(server, matching);
    return true;
}

bool server_close_matching(struct server *server, const struct store_scope *scope,
                           struct loop *loop, struct loop_message *then)
{
    return run_then(server, close_matching_prepare(server, scope), loop, then);
}

bool server_close_matching_any(struct server *server, const struct store_scope *scopes,
                               size_t count, struct loop *loop, struct loop_message *then)
{
    struct close_matching *matching = close_matching_new(server, REVOKED);

    if (matching != NULL) {
        matching->scopes = scopes;
        matching->count = count;
    }
    return run_then(server, matching, loop, then);
}

bool server_reserve(struct server *server)
{
    server->spare = close_matching_new(server, "a revocation ran out of memory");
    if (server->spare == NULL)
        return false;
    server->spare->scopes = &server->spare->own;
    server->spare->count = 1;
    return true;
}

void server_close_everyone(struct server *server)
{
    log_event("revocations-missed", "reason", "out of memory: all connections end", NULL);
    if (atomic_fetch_add(&server->spare_wanted, 1) == 0)
        close_matching_run(server, server->spare);
}

bool server_close_all(struct server *server, const char *reason)
{
    return run_then(server, close_matching_new(server, reason), NULL, NULL);
}
