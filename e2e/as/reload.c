/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/reload.h"

#include "as/source_options.h"
#include "devices_current.h"

static void on_removed(void *argument, const struct device *row, enum devices_loss loss)
{
    revocation_queue_add(argument, row, loss);
}

#define FAULT_SIZE DEVICES_CURRENT_FAULT_SIZE /* the longest of those below */
_Static_assert(FAULT_SIZE >= TLS_FILES_FAULT_SIZE && FAULT_SIZE >= STORE_REDIS_FAULT_SIZE,
               "every fault fits");

/* What was read, until all of it can be put in force. */
struct files {
    SSL_CTX *line;
    struct store_redis_files store;
    struct source_files *source;
};

static bool read_files(const struct app_server *app_server, struct files *files,
                       char fault[FAULT_SIZE])
{
    if (app_server->link_tls != NULL &&
        (files->line = tp_link_tls_read(app_server->link_tls, fault)) == NULL)
        return false;
    if (app_server->roles.shared_store &&
        !store_redis_read(&app_server->redis, &files->store, fault))
        return false;
    return !source_options_given() || (files->source = source_options_read(fault)) != NULL;
}

static void drop_files(struct files *files)
{
    SSL_CTX_free(files->line);
    store_redis_drop(&files->store);
    source_options_drop(files->source);
}

/* The devices file comes last: once it is read, it is in force. */
static bool take_files(struct app_server *app_server, char fault[FAULT_SIZE])
{
    struct files files = {.line = NULL};

    if (!read_files(app_server, &files, fault) ||
        (app_server->devices != NULL &&
         !devices_current_reload(app_server->devices, on_removed, app_server->queue, fault))) {
        drop_files(&files);
        return false;
    }
    if (app_server->queue != NULL)
        revocation_queue_flush(app_server->queue);
    if (files.line != NULL)
        tp_link_tls_put_in_force(app_server->link_tls, files.line);
    if (app_server->roles.shared_store)
        store_redis_use(app_server->store, &files.store);
    if (files.source != NULL)
        source_options_use(app_server->ues.naf.source, files.source);
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
