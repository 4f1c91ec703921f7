/*
 * A revocation that another program was told of: of the keys here, and of what runs on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/revoke.h"

#include "server/close_matching.h"
#include "source/source.h"
#include "third_party/key_issuer.h"

#include <openssl/crypto.h>
#include <stdio.h>

/* For a loop: to revoke what a store in memory holds. A shared one has been told. */
struct task {
    struct loop_message message;
    struct key_issuer *issuer;
    struct store_scope scope;
    char texts[4][STORE_TEXT_SIZE];
};

static const char *copy(char text[STORE_TEXT_SIZE], const char *given)
{
    (void)snprintf(text, STORE_TEXT_SIZE, "%s", given == NULL ? "" : given);
    return given == NULL ? NULL : text;
}

static void on_revoked(void *argument, const struct third_party_revocation *revocation)
{
    (void)revocation;
    OPENSSL_free(argument);
}

static void revoke_keys(struct loop *loop, struct loop_message *message)
{
    struct task *task = (struct task *)message;
    struct third_party_revocation now;

    if (key_issuer_revoke_matching(task->issuer, loop, &task->scope, on_revoked, task, &now) ==
        NULL)
        OPENSSL_free(task);
}

static bool post(struct app_server *app_server, const struct store_scope *scope)
{
    struct task *task = OPENSSL_zalloc(sizeof(*task));

    if (task == NULL)
        return false;
    task->message.run = revoke_keys;
    task->issuer = app_server->links.issuer;
    task->scope = (struct store_scope){
        copy(task->texts[0], scope->device), copy(task->texts[1], scope->ka_id),
        copy(task->texts[2], scope->subject), copy(task->texts[3], scope->naf)};
    loop_post(&app_server->server.loops->loop[0], &task->message);
    return true;
}

void revoke_here(struct app_server *app_server, const struct store_scope *scope)
{
    struct source *source = app_server->ues.naf.source;

    if (source != NULL && source->ops->forget != NULL && scope->subject != NULL)
        source->ops->forget(source, scope->subject);
    if (!server_close_matching(&app_server->server, scope, NULL, NULL))
        server_close_everyone(&app_server->server);
    if (app_server->links.issuer != NULL && !app_server->roles.shared_store &&
        !post(app_server, scope))
        log_event("revocation", "result", "failed", "identity", scope->subject, "reason",
                  "out of memory: outstanding keys are good until they expire", NULL);
}
