/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "reload.h"

#include "flagger.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* A row that is gone, on its way to a loop: the store is asked from there. */
struct gone {
    struct loop_message message;
    struct as *as;
    bool is_last;
    char identity[STORE_TEXT_SIZE], ka_id[STORE_TEXT_SIZE];
};

static void on_revoked(void *argument, bool revoked, const char *reason)
{
    (void)argument;
    if (!revoked)
        log_event("revocation", "result", "failed", "reason", reason, NULL);
}

/* A NAF apart: no connection runs on the key any more, and the third party hears of it. */
static void tell_third_party(struct loop *loop, struct loop_message *message)
{
    struct gone *gone = (struct gone *)message;
    struct flags *flags = gone->as->server.flags;

    if (flags != NULL) /* else the process ends */
        (void)flags->ops->revoke(flags, loop, gone->identity, on_revoked, NULL);
    OPENSSL_free(gone);
}

static void void_row(struct loop *loop, struct loop_message *message)
{
    struct gone *gone = (struct gone *)message;
    struct server *server = &gone->as->server;
    const struct device row = {.identity = gone->identity, .ka_id = gone->ka_id};
    const struct store_scope scope = {.device = gone->identity};

    log_event("row-removed", "device", gone->identity, "ka-id",
              gone->ka_id[0] == '\0' ? NULL : gone->ka_id, NULL);
    gone->message.run = tell_third_party;
    if (server->flagger == NULL && server_end(server, &scope, loop, &gone->message))
        return;
    if (server->flagger != NULL)
        flagger_row_removed(server->flagger, loop, &row, gone->is_last);
    else
        on_revoked(NULL, false, "out of memory");
    OPENSSL_free(gone);
}

static void on_removed(void *argument, const struct device *row, bool is_last)
{
    struct as *as = argument;
    struct loop *loop = &as->server.loops->loop[0];
    struct gone *gone = OPENSSL_zalloc(sizeof(*gone));

    if (gone == NULL) {
        log_event("revocation", "result", "failed", "reason", "out of memory", NULL);
        return;
    }
    gone->message.run = void_row;
    gone->as = as;
    gone->is_last = is_last;
    (void)OPENSSL_strlcpy(gone->identity, row->identity, sizeof(gone->identity));
    (void)OPENSSL_strlcpy(gone->ka_id, row->ka_id, sizeof(gone->ka_id));
    loop_post(loop, &gone->message);
}

#define FAULT_SIZE \
    (ROSTER_FAULT_SIZE > LINE_TLS_FAULT_SIZE ? ROSTER_FAULT_SIZE : LINE_TLS_FAULT_SIZE)

/* What was read, until all of it can be put in force. */
struct files {
    SSL_CTX *line;
    struct wrap_keys *store_keys;
};

static bool read_files(const struct as *as, struct files *files, char fault[FAULT_SIZE])
{
    const struct server *server = &as->server;
    char what[WRAP_KEY_FAULT_SIZE];

    if (server->line != NULL && (files->line = line_tls_read(server->line, fault)) == NULL)
        return false;
    if (!as->roles.shared_store ||
        (files->store_keys = wrap_keys_read(as->store.key, what)) != NULL)
        return true;
    (void)snprintf(fault, FAULT_SIZE, "--store-key %s: %s", PRINTABLE_PATH(as->store.key), what);
    return false;
}

static bool take_files(struct as *as, char fault[FAULT_SIZE])
{
    struct server *server = &as->server;
    struct files files = {.line = NULL};

    if (!read_files(as, &files, fault) ||
        (server->roster != NULL && !roster_reload(server->roster, on_removed, as, fault))) {
        SSL_CTX_free(files.line);
        wrap_keys_free(files.store_keys);
        return false;
    }
    if (files.line != NULL)
        line_tls_put_in_force(server->line, files.line);
    if (files.store_keys != NULL)
        store_redis_use_keys(server->store, files.store_keys);
    return true;
}

void reload(struct as *as)
{
    char fault[FAULT_SIZE];
    const bool taken = take_files(as, fault);

    metrics_count(taken ? METRIC_RELOADS : METRIC_RELOADS_REFUSED);
    if (taken)
        log_event("reload", "result", "taken", NULL);
    else
        log_refused("reload", fault);
}
