/*
 * The server: reaching the connections of every loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "connection.h"

#include <openssl/crypto.h>
#include <string.h>

/* For one loop: which connections are to end there. */
struct ending {
    struct loop_message message;
    struct worker *worker;
    const char *reason;
    struct store_scope scope; /* points to texts */
    char texts[3][STORE_TEXT_SIZE];
    bool all;
};

static void end_here(struct loop *loop, struct loop_message *message)
{
    struct ending *ending = (struct ending *)message;
    struct connection *connection, *next;

    (void)loop;
    for (connection = TAILQ_FIRST(&ending->worker->all); connection != NULL; connection = next) {
        const struct connection_kind *kind = connection->kind;

        next = TAILQ_NEXT(connection, all);
        if (ending->all || (kind->runs_on != NULL && kind->runs_on(connection, &ending->scope)))
            connection_close(connection, ending->reason);
    }
    OPENSSL_free(ending);
}

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    if (given != NULL)
        (void)OPENSSL_strlcpy(text, given, STORE_TEXT_SIZE);
    return given == NULL ? NULL : text;
}

static bool end_everywhere(struct server *server, const struct store_scope *scope, bool all,
                           const char *reason)
{
    for (size_t i = 0; i < server->loops->count; i++) {
        struct ending *ending = OPENSSL_zalloc(sizeof(*ending));

        if (ending == NULL)
            return false;
        ending->message.run = end_here;
        ending->worker = &server->workers[i];
        ending->reason = reason;
        ending->all = all;
        ending->scope.device = copy(ending->texts[0], scope->device);
        ending->scope.ka_id = copy(ending->texts[1], scope->ka_id);
        ending->scope.subject = copy(ending->texts[2], scope->subject);
        loop_post(server->workers[i].loop, &ending->message);
    }
    return true;
}

bool server_end(struct server *server, const struct store_scope *scope)
{
    return end_everywhere(server, scope, false, "what it runs on was revoked");
}

bool server_close_all(struct server *server, const char *reason)
{
    static const struct store_scope everything = {NULL, NULL, NULL, NULL};

    return end_everywhere(server, &everything, true, reason);
}
