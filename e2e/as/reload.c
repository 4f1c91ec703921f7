/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/reload.h"

#include "devices_current.h"
#include "printable.h"

#include <stdio.h>

static void on_removed(void *argument, const struct device *row, enum devices_loss loss)
{
    revocation_queue_add(argument, row, loss);
}

#define FAULT_SIZE                                                                    \
    (DEVICES_CURRENT_FAULT_SIZE > TP_LINK_TLS_FAULT_SIZE ? DEVICES_CURRENT_FAULT_SIZE \
                                                         : TP_LINK_TLS_FAULT_SIZE)

/* What was read, until all of it can be put in force. */
struct files {
    SSL_CTX *line;
    struct seal_keys *store_keys;
};

static bool read_files(const struct app_server *app_server, struct files *files,
                       char fault[FAULT_SIZE])
{
    const struct server *server = &app_server->server;
    char what[SEAL_KEYS_FAULT_SIZE];

    if (server->tp_link != NULL && (files->line = tp_link_tls_read(server->tp_link, fault)) == NULL)
        return false;
    if (!app_server->roles.shared_store ||
        (files->store_keys = seal_keys_read(app_server->store.key, what)) != NULL)
        return true;
    (void)snprintf(fault, FAULT_SIZE, "--store-key %s: %s", PRINTABLE_PATH(app_server->store.key),
                   what);
    return false;
}

static bool take_files(struct app_server *app_server, char fault[FAULT_SIZE])
{
    struct server *server = &app_server->server;
    struct files files = {.line = NULL};

    if (!read_files(app_server, &files, fault) ||
        (server->devices_current != NULL &&
         !devices_current_reload(server->devices_current, on_removed, app_server->queue, fault))) {
        SSL_CTX_free(files.line);
        seal_keys_free(files.store_keys);
        return false;
    }
    if (files.line != NULL)
        tp_link_tls_put_in_force(server->tp_link, files.line);
    if (files.store_keys != NULL)
        store_redis_use_keys(server->store, files.store_keys);
    return true;
}

void reload(struct app_server *app_server)
{
    char fault[FAULT_SIZE];
    const bool taken = take_files(app_server, fault);

    metrics_count(taken ? METRIC_RELOADS : METRIC_RELOADS_REFUSED);
    if (taken)
        log_event("reload", "result", "applied", NULL);
    else
        log_refused("reload", fault);
}
