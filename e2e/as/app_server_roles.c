/*
 * What the roles of e2e-as work with: store, application, third party, source of keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/app_server_roles.h"

#include "app/forward.h"
#include "as/source_options.h"
#include "messages/tp_link_messages.h"
#include "options.h"
#include "third_party/key_issuer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <string.h>

#define LIFETIME_TOP 86400 /* --refresh-lifetime: seconds, a day */

/* The NAF apart: its end of the line. */
static bool open_line_client(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    char *service = NULL;
    long length = 0;
    unsigned char *ua = OPENSSL_hexstr2buf(o->ua_protocol_id, &length); /* checked by open_e2e() */
    bool done = ua != NULL && length == TP_LINK_UA_LENGTH;

    if (done)
        memcpy(app_server->link.ua_protocol_id, ua, TP_LINK_UA_LENGTH);
    OPENSSL_free(ua);
    app_server->link.naf_fqdn = o->naf_fqdn;
    done = done && addrs_open(&app_server->link.addrs, "third-party", o->third_party) &&
           BIO_parse_hostserv(o->third_party, &app_server->third_party_host, &service,
                              BIO_PARSE_PRIO_SERV) &&
           app_server->third_party_host != NULL;
    OPENSSL_free(service);
    app_server->link.host = app_server->third_party_host;
    if (done)
        app_server->ues.naf.third_party =
            tp_link_client_new(&app_server->link, app_server->link_tls, app_server->server.loops);
    return app_server->ues.naf.third_party != NULL;
}

/* Revoked by another process: what runs on it here ends as well. */
static void on_revoked(void *argument, const struct store_scope *scope)
{
    struct server *server = argument;

    if (!server_close_matching(server, scope, NULL, NULL))
        log_event("revocation", "result", "failed", "reason", "out of memory: connections run on",
                  NULL);
}

static bool watch_store(struct app_server *app_server)
{
    struct store *store = app_server->store;

    return store->ops->watch == NULL || store->ops->watch(store, on_revoked, &app_server->server) ||
           app_server_complain("out of memory");
}

static bool open_store(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;

    if (!app_server->roles.third_party && !app_server->roles.endpoint)
        return true;
    if (!app_server->roles.shared_store) {
        app_server->store = store_memory_new();
        return app_server->store != NULL || app_server_complain("out of memory");
    }
    app_server->redis = (struct store_redis_options){.url = o->store,
                                                     .key = o->store_key,
                                                     .user = o->store_user,
                                                     .password_file = o->store_password_file,
                                                     .ca = o->store_ca};
    app_server->store = store_redis_new(app_server->server.loops, &app_server->redis);
    return app_server->store != NULL && watch_store(app_server);
}

/* What e2e connections are for. */
static bool open_application(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;

    if (!app_server->roles.endpoint)
        return true;
    if (o->forward == NULL)
        app_server->ues.endpoint.app = app_echo_new("e2e: ", app_server->server.limits.line);
    else if (!addrs_open(&app_server->application, "forward", o->forward))
        return false;
    else
        app_server->ues.endpoint.app =
            app_forward_new(&app_server->application, o->proxy_protocol != NULL);
    return app_server->ues.endpoint.app != NULL || app_server_complain("out of memory");
}

/* The third party's part: Ka's and the store. */
static bool open_issuer(struct app_server *app_server, unsigned int lifetime)
{
    const struct key_issuer_setup setup = {
        .server = &app_server->server,
        .store = app_server->store,
        .devices = app_server->devices,
        .lifetime = lifetime,
    };

    if (!app_server->roles.third_party)
        return true;
    app_server->links.tls = app_server->link_tls;
    app_server->links.issuer = key_issuer_new(&setup);
    return app_server->links.issuer != NULL || app_server_complain("out of memory");
}

static bool open_naf(struct app_server *app_server)
{
    struct naf_service *naf = &app_server->ues.naf;

    if (!app_server->roles.naf)
        return true;
    naf->name = app_server->options->naf_fqdn;
    naf->source = source_options_open(app_server->devices);
    if (naf->source == NULL)
        return app_server_complain("out of memory");
    if (app_server->roles.tp_link_client)
        return open_line_client(app_server);
    naf->third_party = third_party_local_new(app_server->links.issuer, &app_server->e2e, naf->name);
    return naf->third_party != NULL || app_server_complain("out of memory");
}

/* For rows that go from the devices file. */
static bool open_queue(struct app_server *app_server, unsigned int lifetime)
{
    const struct revocation_setup setup = {
        .server = &app_server->server,
        .issuer = app_server->links.issuer,
        .third_party = app_server->ues.naf.third_party,
        .lifetime = app_server->links.issuer != NULL ? lifetime : LIFETIME_TOP,
    };

    if (app_server->devices == NULL)
        return true;
    app_server->queue = revocation_queue_new(&setup);
    return app_server->queue != NULL || app_server_complain("out of memory");
}

bool app_server_open_roles(struct app_server *app_server)
{
    const unsigned int lifetime =
        options_number("refresh-lifetime", app_server->options->lifetime, 1, LIFETIME_TOP);

    if (!open_store(app_server) || !open_application(app_server))
        return false;
    app_server->ues.endpoint.store = app_server->store;
    return open_issuer(app_server, lifetime) && open_naf(app_server) &&
           open_queue(app_server, lifetime);
}
