/*
 * The server: reaching the connections of every loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/connection.h"

#include "store/store.h"

#include <openssl/crypto.h>
#include <string.h>

/* For one loop: which connections are to end there. */
struct ending {
    struct loop_message message;
    struct worker *worker;
    struct close_matching *matching;
};

/* For all of them. */
struct close_matching {
    const char *reason;
    struct store_scope scope; /* points to texts */
    char texts[4][STORE_TEXT_SIZE];
    bool all;
    atomic_size_t left; /* loops that are not done yet; the last one releases it */
    struct loop *loop;  /* where then goes; NULL: nobody waits */
    struct loop_message *then;
    struct ending ending[]; /* one per loop */
};

static void settle(struct close_matching *matching)
{
    if (atomic_fetch_sub(&matching->left, 1) > 1)
        return;
    if (matching->then != NULL)
        loop_post(matching->loop, matching->then);
    OPENSSL_free(matching);
}

static void end_here(struct loop *loop, struct loop_message *message)
{
    const struct ending *ending = (const struct ending *)message;
    struct close_matching *matching = ending->matching;
    struct connection *connection, *next;

    (void)loop;
    for (connection = TAILQ_FIRST(&ending->worker->all); connection != NULL; connection = next) {
        const struct connection_kind *kind = connection->kind;

        next = TAILQ_NEXT(connection, all);
        if (matching->all || (kind->runs_on != NULL && kind->runs_on(connection, &matching->scope)))
            connection_close(connection, matching->reason);
    }
    settle(matching);
}

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    return given == NULL ? NULL : text;
}

static struct close_matching *
close_matching_new(const struct server *server, const struct store_scope *scope, const char *reason)
{
    const size_t count = server->loops->count;
    struct close_matching *matching =
        OPENSSL_zalloc(sizeof(*matching) + count * sizeof(matching->ending[0]));

    if (matching == NULL)
        return NULL;
    matching->reason = reason;
    matching->scope.device = copy(matching->texts[0], scope->device);
    matching->scope.ka_id = copy(matching->texts[1], scope->ka_id);
    matching->scope.subject = copy(matching->texts[2], scope->subject);
    matching->scope.naf = copy(matching->texts[3], scope->naf);
    atomic_init(&matching->left, count);
    return matching;
}

/* The last loop to be done releases endings: not before the last message is posted. */
void close_matching_run(struct server *server, struct close_matching *matching)
{
    const size_t count = server->loops->count;

    for (size_t i = 0; i < count; i++) {
        matching->ending[i] = (struct ending){{end_here, NULL}, &server->workers[i], matching};
        loop_post(server->workers[i].loop, &matching->ending[i].message);
    }
}

void close_matching_discard(struct close_matching *matching)
{
    OPENSSL_free(matching);
}

struct close_matching *close_matching_prepare(const struct server *server,
                                              const struct store_scope *scope)
{
    return close_matching_new(server, scope, "the key that it runs on was revoked");
}

bool server_close_matching(struct server *server, const struct store_scope *scope,
                           struct loop *loop, struct loop_message *then)
{
    struct close_matching *matching = close_matching_prepare(server, scope);

    if (matching == NULL)
        return false;
    matching->loop = loop;
    matching->then = then;
    close_matching_run(server, matching);
    return true;
}

bool server_close_all(struct server *server, const char *reason)
{
    static const struct store_scope everything = {NULL, NULL, NULL, NULL};
    struct close_matching *matching = close_matching_new(server, &everything, reason);

    if (matching == NULL)
        return false;
    matching->all = true;
    close_matching_run(server, matching);
    return true;
}
