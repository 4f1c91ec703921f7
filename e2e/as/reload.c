/*
 * SIGHUP: the files again, all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/reload.h"

#include "as/file_changes.h"
#include "as/ka_options.h"
#include "as/source_options.h"
#include "devices_current.h"
#include "net/cert_dates.h"
#include "ops/expiry.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void on_removed(void *argument, const struct device *row, enum devices_loss loss)
{
    if (!revocation_queue_add(argument, row, loss))
        revocation_queue_miss(argument);
}

#define FAULT_SIZE RELOAD_FAULT_SIZE
_Static_assert(FAULT_SIZE >= TLS_FILES_FAULT_SIZE && FAULT_SIZE >= STORE_REDIS_FAULT_SIZE &&
                   FAULT_SIZE >= DEVICES_CURRENT_FAULT_SIZE,
               "every fault fits");

/* What was read, until all of it can be put into use. */
struct files {
    struct current_version *link_ctx;
    struct store_redis_files store;
    struct source_files *source;
    struct ka_files *ka;
    struct devices *devices, *ka_devices;
};

static bool read_devices(const struct app_server *app_server, struct files *files,
                         char fault[FAULT_SIZE])
{
    if (app_server->devices != NULL &&
        (files->devices = devices_current_read(app_server->devices, fault)) == NULL)
        return false;
    return app_server->ka_devices == NULL ||
           (files->ka_devices = devices_current_read(app_server->ka_devices, fault)) != NULL;
}

static bool read_files(const struct app_server *app_server, enum reload_what what,
                       struct files *files, char fault[FAULT_SIZE])
{
    if (app_server->link_tls != NULL &&
        (files->link_ctx = tp_link_tls_read(app_server->link_tls, fault)) == NULL)
        return false;
    if (app_server->roles.shared_store &&
        !store_redis_read(&app_server->redis, &files->store, fault))
        return false;
    if (source_options_given() && (files->source = source_options_read(fault)) == NULL)
        return false;
    if (what == RELOAD_ALL && !read_devices(app_server, files, fault))
        return false;
    return ka_options_read(what == RELOAD_ALL, &files->ka, fault);
}

static void drop_files(struct files *files)
{
    current_drop(files->link_ctx);
    store_redis_drop(&files->store);
    source_options_drop(files->source);
    ka_options_drop(files->ka);
    devices_free(files->devices);
    devices_free(files->ka_devices);
}

/* Put rows into use; false: out of memory. They are the file's then, or gone. */
static bool use_devices(struct app_server *app_server, struct devices_current *current,
                        struct devices **fresh, char fault[FAULT_SIZE])
{
    struct devices *taken = *fresh;

    *fresh = NULL;
    if (taken == NULL || devices_current_use(current, taken, on_removed, app_server->queue))
        return true;
    (void)snprintf(fault, FAULT_SIZE, "out of memory");
    return false;
}

static void flush(struct app_server *app_server)
{
    if (app_server->queue != NULL)
        revocation_queue_flush(app_server->queue);
}

/* What can fail comes first. */
static bool take_files(struct app_server *app_server, enum reload_what what, char fault[FAULT_SIZE])
{
    struct files files = {.link_ctx = NULL};

    if (!read_files(app_server, what, &files, fault) ||
        !use_devices(app_server, app_server->devices, &files.devices, fault) ||
        !use_devices(app_server, app_server->ka_devices, &files.ka_devices, fault)) {
        drop_files(&files);
        flush(app_server); /* rows of the first of two files */
        return false;
    }
    flush(app_server);
    if (files.link_ctx != NULL)
        tp_link_tls_use(app_server->link_tls, files.link_ctx);
    if (app_server->roles.shared_store)
        store_redis_use(app_server->store, &files.store);
    ka_options_use(app_server->ka, files.ka);
    if (files.source != NULL)
        source_options_use(app_server->ues.naf.source, files.source);
    return true;
}

/* A row that has a Ka. */
struct place {
    const struct device *row;
};

static int compare_kas(const void *one, const void *other)
{
    const struct device *first = ((const struct place *)one)->row;
    const struct device *second = ((const struct place *)other)->row;
    const int order = strcmp(first->device, second->device);

    return order != 0 ? order : strcmp(first->ka_id, second->ka_id);
}

/* A device with several identities has rows of one Ka. 0 if memory does not suffice. */
static size_t count_kas(const struct devices *devices)
{
    struct place *places = OPENSSL_malloc((devices->count + 1) * sizeof(*places));
    size_t rows = 0, kas = 0;

    for (size_t i = 0; places != NULL && i < devices->count; i++)
        if (devices->rows[i].ka != NULL)
            places[rows++].row = &devices->rows[i];
    if (rows > 0)
        qsort(places, rows, sizeof(*places), compare_kas);
    for (size_t i = 0; i < rows; i++)
        kas += i == 0 || compare_kas(&places[i - 1], &places[i]) != 0;
    OPENSSL_free(places);
    return kas;
}

static size_t count_devices(const struct devices *devices)
{
    size_t count = 0;

    for (size_t i = 0; i < devices->count; i++)
        count +=
            i == 0 || strcmp(devices->by_device[i]->device, devices->by_device[i - 1]->device) != 0;
    return count;
}

/* What a count of the current rows comes to; no file: 0. */
static long counted(struct devices_current *current, size_t (*count)(const struct devices *))
{
    const struct devices *devices = current == NULL ? NULL : devices_current_acquire(current);
    const size_t number = devices == NULL ? 0 : count(devices);

    if (devices != NULL)
        devices_current_release(current, devices);
    return (long)number;
}

/* The ends of the certificates and revocation lists that the options name, for ops/expiry.h. */
static void look_at_certificates(const struct app_server_options *options)
{
    const struct tls_file_names *source = source_options_names();
    const struct {
        const char *option, *path;
        enum cert_dates_of which;
    } files[] = {
        {"cert", options->cert, CERT_DATES_OF_ALL},
        {"ca", options->ca, CERT_DATES_OF_ANY},
        {"crl", options->crl, CERT_DATES_OF_ALL},
        {"store-ca", options->store_ca, CERT_DATES_OF_ANY},
        {"source-cert", source->certificate, CERT_DATES_OF_ALL},
        {"source-ca", source->ca, CERT_DATES_OF_ANY},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct cert_dates dates;

        if (files[i].path == NULL || !cert_dates_read(files[i].path, files[i].which, &dates))
            continue;
        if (dates.ends == INT64_MAX) /* a list without nextUpdate, if there was one */
            expiry_forget(files[i].option);
        else
            expiry_set(files[i].option, files[i].path, dates.ends);
    }
}

void reload_taken(struct app_server *app_server)
{
    struct devices_current *devices = app_server->devices, *kas = app_server->ka_devices;

    metrics_set(METRIC_RELOADED, (long)time(NULL));
    metrics_set(METRIC_DEVICES, counted(devices != NULL ? devices : kas, count_devices));
    metrics_set(METRIC_KAS, counted(kas != NULL ? kas : devices, count_kas));
    look_at_certificates(app_server->options);
}

bool reload(struct app_server *app_server, enum reload_what what, char fault[FAULT_SIZE])
{
    static struct log_limit limit;
    bool taken, is_news;

    file_changes_reading(app_server->changes);
    taken = take_files(app_server, what, fault);
    is_news = file_changes_done(app_server->changes, taken) || what == RELOAD_ALL;
    metrics_count(taken ? METRIC_RELOADS : METRIC_RELOADS_REFUSED);
    if (taken) {
        reload_taken(app_server);
        log_event("reload", "result", "applied", NULL);
    } else {
        metrics_set(METRIC_RELOAD_REFUSED, (long)time(NULL));
        if (is_news)
            log_refused(&limit, "reload", fault);
    }
    return taken;
}
