/*
 * From the options of e2e-as to a server that can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_SERVER_SETUP_H
#define APP_SERVER_SETUP_H

#include "as/app_server_settings.h"
#include "as/revocation_queue.h"
#include "as/status_page.h"
#include "net/addrs.h"
#include "server/acceptor.h"
#include "session/ue_service.h"
#include "store/store_redis.h"
#include "third_party/key_issuer.h"
#include "third_party/tp_link_client.h"
#include "third_party/tp_link_server.h"
#include "third_party/tp_link_tls.h"

/* The whole program. */
struct app_server {
    const struct app_server_options *options;
    struct app_server_roles roles;
    struct app_server_settings settings;
    struct server server;
    struct ue_service ues;
    struct tp_link_service links;
    struct devices_current *devices;    /* NULL: without */
    struct devices_current *ka_devices; /* the file of the Ka's, if it is another one */
    struct ka_source *ka;               /* NULL: derives nothing */
    struct store *store;                /* NULL: a separate NAF */
    struct tp_link_tls *link_tls;       /* of either end; NULL: no link */
    struct endpoints endpoints;
    struct naf_setup naf_setups[UA_PROTOCOL_IDS_MAX]; /* of this process's own NAF */
    size_t naf_setup_count;
    struct tp_link_client_setup link; /* of a separate NAF */
    char *third_party_host;
    struct store_redis_options redis;
    struct addrs application;          /* --forward */
    struct revocation_queue *queue;    /* NULL: without a devices file */
    struct revocation_queue *ka_queue; /* of what the source says that is gone; NULL: without */
    struct probe *probe;               /* NULL: without --metrics or --forward */
    struct heartbeat *heartbeat;
    struct overview overview;
    struct file_changes *changes;
};

/* Understand the options' numbers and words, or exit. First. */
void app_server_read_options(struct app_server *app_server);

/*
 * The steps of a start that read files and change nothing; a check makes them as well. False, or
 * no EXIT_SUCCESS: the reason went to standard error.
 */
int app_server_open_policy(struct app_server *app_server);
bool app_server_open_devices(struct app_server *app_server);
bool app_server_open_ka_devices(struct app_server *app_server); /* of --ka-source file: */
bool app_server_open_link_tls(struct app_server *app_server);
bool app_server_open_store(struct app_server *app_server);

/* The event loops, which do not run. */
bool app_server_open_loops(struct app_server *app_server);

/*
 * Read the files, listen; the loops are not started. An exit status: EXIT_SUCCESS, or the reason
 * went to standard error.
 */
int app_server_set_up(struct app_server *app_server);

/* Open --log-file and --audit-log again, by their names. */
void app_server_reopen_logs(void);

/* Release everything; the loops do not run any more. */
void app_server_release(struct app_server *app_server);

#endif
