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
    removals_add(argument, row, loss);
}

#define FAULT_SIZE                                                                 \
    (DEVICES_CURRENT_FAULT_SIZE > LINE_TLS_FAULT_SIZE ? DEVICES_CURRENT_FAULT_SIZE \
                                                      : LINE_TLS_FAULT_SIZE)

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
        (server->devices_current != NULL &&
         !devices_current_reload(server->devices_current, on_removed, as->removals, fault))) {
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
