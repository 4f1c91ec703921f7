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
    struct endings *endings;
};

/* For all of them. */
struct endings {
    const char *reason;
    struct store_scope scope; /* points to texts */
    char texts[4][STORE_TEXT_SIZE];
    bool all;
    atomic_size_t left; /* loops that are not done yet; the last one releases it */
    struct loop *loop;  /* where then goes; NULL: nobody waits */
    struct loop_message *then;
    struct ending ending[]; /* one per loop */
};

static void settle(struct endings *endings)
{
    if (atomic_fetch_sub(&endings->left, 1) > 1)
        return;
    if (endings->then != NULL)
        loop_post(endings->loop, endings->then);
    OPENSSL_free(endings);
}

static void end_here(struct loop *loop, struct loop_message *message)
{
    const struct ending *ending = (const struct ending *)message;
    struct endings *endings = ending->endings;
    struct connection *connection, *next;

    (void)loop;
    for (connection = TAILQ_FIRST(&ending->worker->all); connection != NULL; connection = next) {
        const struct connection_kind *kind = connection->kind;

        next = TAILQ_NEXT(connection, all);
        if (endings->all || (kind->runs_on != NULL && kind->runs_on(connection, &endings->scope)))
            connection_close(connection, endings->reason);
    }
    settle(endings);
}

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    return given == NULL ? NULL : text;
}

static struct endings *endings_new(const struct server *server, const struct store_scope *scope,
                                   const char *reason)
{
    const size_t count = server->loops->count;
    struct endings *endings = OPENSSL_zalloc(sizeof(*endings) + count * sizeof(endings->ending[0]));

    if (endings == NULL)
        return NULL;
    endings->reason = reason;
    endings->scope.device = copy(endings->texts[0], scope->device);
    endings->scope.ka_id = copy(endings->texts[1], scope->ka_id);
    endings->scope.subject = copy(endings->texts[2], scope->subject);
    endings->scope.naf = copy(endings->texts[3], scope->naf);
    atomic_init(&endings->left, count);
    return endings;
}

/* The last loop to be done releases endings: not before the last message is posted. */
void server_end_prepared(struct server *server, struct endings *endings)
{
    const size_t count = server->loops->count;

    for (size_t i = 0; i < count; i++) {
        endings->ending[i] = (struct ending){{end_here, NULL}, &server->workers[i], endings};
        loop_post(server->workers[i].loop, &endings->ending[i].message);
    }
}

void server_drop_prepared(struct endings *endings)
{
    OPENSSL_free(endings);
}

struct endings *server_prepare_end(const struct server *server, const struct store_scope *scope)
{
    return endings_new(server, scope, "the key that it runs on was revoked");
}

bool server_end(struct server *server, const struct store_scope *scope, struct loop *loop,
                struct loop_message *then)
{
    struct endings *endings = server_prepare_end(server, scope);

    if (endings == NULL)
        return false;
    endings->loop = loop;
    endings->then = then;
    server_end_prepared(server, endings);
    return true;
}

bool server_close_all(struct server *server, const char *reason)
{
    static const struct store_scope everything = {NULL, NULL, NULL, NULL};
    struct endings *endings = endings_new(server, &everything, reason);

    if (endings == NULL)
        return false;
    endings->all = true;
    server_end_prepared(server, endings);
    return true;
}
