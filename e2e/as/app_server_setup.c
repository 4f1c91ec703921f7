/*
 * From the options of e2e-as to a server that can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/app_server_setup.h"

#include "app/forward.h"
#include "app/probe.h"
#include "as/control.h"
#include "as/file_changes.h"
#include "as/ka_options.h"
#include "as/predecessor.h"
#include "as/reload.h"
#include "as/source_options.h"
#include "as/ua_protocol_ids.h"
#include "e2e_key.h"
#include "messages/json_line.h"
#include "messages/tp_link_messages.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "net/inherited.h"
#include "net/tls.h"
#include "ops/audit.h"
#include "ops/health.h"
#include "ops/heartbeat.h"
#include "options.h"
#include "printable.h"
#include "processors.h"
#include "server/close_matching.h"
#include "server/conn_limit.h"
#include "server/dtls_acceptor.h"
#include "session/psk_lookup.h"
#include "session/ua_alpn.h"
#include "session/ue.h"
#include "source/source.h"
#include "third_party/key_issuer.h"
#include "third_party/tp_link_server.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDSHAKES_S 60 /* more than the ones of both connections take */

/* The separate NAF: its end of the link. */
static bool open_tp_link_client(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    char *service = NULL;
    bool done;

    app_server->link.naf_fqdn = o->naf_fqdn;
    done = addrs_open(&app_server->link.addrs, "third-party", o->third_party) &&
           BIO_parse_hostserv(o->third_party, &app_server->third_party_host, &service,
                              BIO_PARSE_PRIO_SERV) &&
           app_server->third_party_host != NULL;
    OPENSSL_free(service);
    app_server->link.host = app_server->third_party_host;
    health_use(HEALTH_LINK);
    if (done)
        app_server->ues.naf.third_party =
            tp_link_client_new(&app_server->link, app_server->link_tls, app_server->server.loops);
    return app_server->ues.naf.third_party != NULL;
}

/* Revoked by another process: what runs on it here ends as well. */
static void on_revoked(void *argument, const struct store_scope *scope)
{
    struct server *server = argument;

    audit("key-revoked", "key", "e2e_key", "identity", scope->subject, "device", scope->device,
          "ka-id", scope->ka_id, "naf", scope->naf, "result", "heard", NULL);
    if (!server_close_matching(server, scope, NULL, NULL))
        server_close_everyone(server);
}

static bool watch_store(struct app_server *app_server)
{
    struct store *store = app_server->store;

    return store->ops->watch == NULL || store->ops->watch(store, on_revoked, &app_server->server) ||
           app_server_complain("out of memory");
}

bool app_server_open_store(struct app_server *app_server)
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
    health_use(HEALTH_STORE);
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
    else if (!addrs_open_any(&app_server->application, "forward", o->forward))
        return false;
    else
        app_server->ues.endpoint.app =
            app_forward_new(&app_server->application, o->proxy_protocol != NULL);
    return app_server->ues.endpoint.app != NULL || app_server_complain("out of memory");
}

/* The seconds that keys and connections have of a Ka; 0: separate endpoints have their own bounds.
 */
static unsigned int life_of_ka(const struct app_server *app_server)
{
    const unsigned int session = app_server->server.limits.session;
    const bool is_alone = app_server->roles.endpoint && !app_server->roles.shared_store;

    return is_alone && session > 0 ? app_server->settings.lifetime + session + HANDSHAKES_S : 0;
}

static bool open_ka(struct app_server *app_server)
{
    if (!app_server->roles.third_party)
        return true;
    app_server->ka = ka_options_open(app_server->ka_devices == NULL ? app_server->devices
                                                                    : app_server->ka_devices,
                                     life_of_ka(app_server), !app_server->roles.naf);
    return app_server->ka != NULL;
}

/* The metrics have to show it before the first UE notices. */
static bool open_probe(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;

    if (o->forward == NULL)
        return true;
    health_use(HEALTH_APPLICATION);
    if (o->metrics == NULL || app_server->application.is_udp) /* a datagram asks nobody */
        return true;
    app_server->probe = probe_new(&app_server->server.loops->loop[0], &app_server->application,
                                  o->proxy_protocol != NULL);
    return app_server->probe != NULL || app_server_complain("out of memory");
}

/* The third party's part: Ka's and the store. */
static bool open_issuer(struct app_server *app_server, unsigned int lifetime)
{
    const struct key_issuer_setup setup = {
        .server = &app_server->server,
        .store = app_server->store,
        .ka = app_server->ka,
        .lifetime = lifetime,
        .forward = predecessor_say_revoked,
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
    naf->source = source_options_open(app_server->devices, app_server->settings.file_ids);
    if (naf->source == NULL)
        return app_server_complain("out of memory");
    if (app_server->roles.tp_link_client)
        return open_tp_link_client(app_server);
    naf->third_party = third_party_local_new(app_server->links.issuer, app_server->naf_setups,
                                             app_server->naf_setup_count, naf->name);
    return naf->third_party != NULL || app_server_complain("out of memory");
}

/* The source says what is gone, on a thread of its own. */
static bool on_ka_changed(void *argument, const struct ka_change *changes, size_t count)
{
    bool done = true;

    for (size_t i = 0; i < count; i++) {
        const struct device row = {
            .identity = "",
            .device = changes[i].device,
            .ka_id = changes[i].ka_id == NULL ? "" : changes[i].ka_id,
        };

        done =
            revocation_queue_add(
                argument, &row, changes[i].ka_id == NULL ? DEVICES_LOST_DEVICE : DEVICES_LOST_KA) &&
            done;
    }
    revocation_queue_flush(argument);
    return done;
}

/* For Ka's that are gone: those of a devices file, and those of another source. */
static bool open_queues(struct app_server *app_server, unsigned int lifetime)
{
    const struct revocation_setup setup = {
        .server = &app_server->server,
        .issuer = app_server->links.issuer,
        .third_party = app_server->ues.naf.third_party,
        .lifetime = app_server->links.issuer != NULL ? lifetime : LIFETIME_TOP,
    };

    if (app_server->devices != NULL && (app_server->queue = revocation_queue_new(&setup)) == NULL)
        return app_server_complain("out of memory");
    if (app_server->ka == NULL)
        return true;
    app_server->ka_queue = revocation_queue_new(&setup);
    return (app_server->ka_queue != NULL &&
            app_server->ka->ops->start(app_server->ka, on_ka_changed, app_server->ka_queue)) ||
           app_server_complain("out of memory, or of threads");
}

/*
 * Open what the roles of this process work with. False: the reason went to standard error, and
 * app_server_release() releases what was opened.
 */
static bool app_server_open_roles(struct app_server *app_server)
{
    const unsigned int lifetime = app_server->settings.lifetime;

    if (!app_server_open_store(app_server) || !open_application(app_server) ||
        !open_probe(app_server))
        return false;
    app_server->ues.endpoint.store = app_server->store;
    return open_ka(app_server) && open_issuer(app_server, lifetime) && open_naf(app_server) &&
           open_queues(app_server, lifetime);
}

#define NOTIFY_CONNECTIONS_MAX 64 /* at a time */
#define STATUS_CONNECTIONS_MAX 16

/* The setup of the keys; also where only requests of NAFs say the NAF_Id: a bad mode shows now. */
int app_server_open_policy(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    struct e2e_setup setup = {
        .naf_fqdn = o->naf_fqdn != NULL ? o->naf_fqdn : "naf.example.com",
        .mode = o->mode,
        .digest = o->digest,
        .usage = o->usage,
    };
    char reason[E2E_REASON_SIZE];
    unsigned char ids[UA_PROTOCOL_IDS_MAX][AKMA_UA_PROTOCOL_ID_LENGTH];

    if (!app_server->roles.naf && !app_server->roles.third_party)
        return EXIT_SUCCESS;
    app_server->naf_setup_count = ua_protocol_ids_all(ids, &app_server->ues.naf.ua_protocol_ids,
                                                      app_server->settings.versions, KEY_SYSTEMS);
    for (size_t i = 0; i < app_server->naf_setup_count; i++) {
        struct naf_setup *naf = &app_server->naf_setups[i];
        enum e2e_opened opened;

        memcpy(naf->ua_protocol_id, ids[i], sizeof(naf->ua_protocol_id));
        setup.ua_protocol_id = naf->ua_protocol_id;
        opened = e2e_open(&naf->e2e, &setup, reason);
        if (opened == E2E_OPEN)
            continue;
        fprintf(stderr, "%s%s\n", options_where_behind(reason), PRINTABLE(reason));
        return opened == E2E_REFUSED ? options_refusal() : EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static bool read_devices(struct devices_current **devices, const char *path,
                         const struct devices_current_rules *rules)
{
    char fault[DEVICES_CURRENT_FAULT_SIZE];

    *devices = devices_current_open(path, rules, fault);
    return *devices != NULL || app_server_complain_of(fault);
}

/* A file of Ka's beside --devices. */
static bool is_ka_file_separate(const struct app_server *app_server)
{
    const char *file = ka_options_file();

    return file != NULL && strcmp(file, app_server->options->devices) != 0;
}

bool app_server_open_devices(struct app_server *app_server)
{
    const char *devices = app_server->options->devices;
    const struct devices_current_rules rules = {
        .needs_ks_naf =
            app_server->roles.naf && !app_server->roles.tp_link_server && !source_options_given(),
        .may_have_ks_naf = app_server->roles.naf,
        .may_have_ka = app_server->roles.third_party &&
                       (!ka_options_given() ||
                        (ka_options_file() != NULL && !is_ka_file_separate(app_server))),
        .insecure = app_server->options->insecure_devices != NULL,
    };

    return devices == NULL || read_devices(&app_server->devices, devices, &rules);
}

bool app_server_open_ka_devices(struct app_server *app_server)
{
    const struct devices_current_rules rules = {
        .may_have_ka = true, .insecure = app_server->options->insecure_devices != NULL};

    return !is_ka_file_separate(app_server) ||
           read_devices(&app_server->ka_devices, ka_options_file(), &rules);
}

bool app_server_open_link_tls(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    const struct tp_link_files files = {o->cert, o->key, o->ca, o->crl};
    char fault[TP_LINK_TLS_FAULT_SIZE];

    if (o->cert == NULL)
        return true;
    app_server->link_tls = tp_link_tls_new(&files, app_server->roles.tp_link_server, fault);
    return app_server->link_tls != NULL || app_server_complain_of(fault);
}

static bool open_psk(struct app_server *app_server)
{
    SSL_CTX *ctx = tls_psk_ctx(TLS_server_method(), app_server->options->keylog);

    if (ctx == NULL)
        return false;
    app_server->ues.psk = ctx;
    if (app_server->settings.versions == UA_TLS12_TOO &&
        !dtls_allow_tls12(ctx, app_server->options->dtls_ciphers))
        return app_server_complain(tls_error("TLS 1.2 cannot be set up"));
    psk_lookup_set_up(ctx);
    if (!app_server->endpoints.counted) /* --connections: each is to come to its end */
        ua_alpn_set_up(ctx);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY); /* other records do not hold a loop up */
    return true;
}

static bool open_dtls(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    SSL_CTX *ctx;

    if (dgram_address(o->accept) == NULL && dgram_address(o->e2e_accept) == NULL)
        return true;
    ctx = dtls_psk_ctx(DTLS_server_method(), o->dtls_ciphers, o->keylog);
    app_server->ues.dtls = ctx;
    if (ctx == NULL)
        return false;
    psk_lookup_set_up_dtls(ctx);
    dtls_acceptor_set_up(ctx);
    return true;
}

bool app_server_open_loops(struct app_server *app_server)
{
    const char *fault = server_open(&app_server->server, processors());

    if (fault != NULL)
        return app_server_complain(fault);
    app_server->heartbeat = heartbeat_new(app_server->server.loops);
    app_server->overview = (struct overview){
        .roles = &app_server->roles,
        .heartbeat = app_server->heartbeat,
        .is_strict = app_server->options->ready_strict != NULL,
    };
    return app_server->heartbeat != NULL || app_server_complain("out of memory");
}

static bool open_conn_limits(struct app_server *app_server)
{
    struct ue_service *ues = &app_server->ues;

    ues->devices = conn_limit_new(app_server->settings.per_device);
    ues->held = conn_limit_new(UE_HELD_MAX);
    app_server->links.per_naf = conn_limit_new(TP_LINKS_MAX_OF_NAF);
    return (server_limit_networks(&app_server->server, app_server->settings.per_source) &&
            ues->devices != NULL && ues->held != NULL && app_server->links.per_naf != NULL &&
            RAND_bytes(ues->secret, sizeof(ues->secret)) > 0) ||
           app_server_complain("out of memory");
}

static bool listen_all(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    const bool is_both = app_server->roles.endpoint && o->e2e_accept == NULL;

    app_server->endpoints.loops = app_server->server.loops->count;
    return (o->accept == NULL ||
            endpoints_listen(&app_server->endpoints, is_both ? &ue_kind_both : &ue_kind_naf,
                             &app_server->ues, "accept", o->accept, true)) &&
           (o->e2e_accept == NULL ||
            endpoints_listen(&app_server->endpoints, &ue_kind_e2e, &app_server->ues, "e2e-accept",
                             o->e2e_accept, true)) &&
           (o->naf_accept == NULL ||
            endpoints_listen(&app_server->endpoints, &tp_link_kind, &app_server->links,
                             "naf-accept", o->naf_accept, true)) &&
           source_options_listen(&app_server->ues.naf, &app_server->endpoints) &&
           (o->metrics == NULL ||
            status_page_listen(&app_server->endpoints, &app_server->overview, o->metrics)) &&
           endpoints_accept(&app_server->endpoints, &app_server->server);
}

static void fit_descriptors(struct app_server *app_server)
{
    const bool is_used[POOLS] = {
        [POOL_UES] = true,
        [POOL_NOTIFY] = source_options_listens(),
        [POOL_STATUS] = app_server->options->metrics != NULL,
    };
    const unsigned int fit = server_fit_descriptors(&app_server->server, is_used);
    char shown[16];

    if (fit == 0)
        return;
    (void)snprintf(shown, sizeof(shown), "%u", fit);
    log_event("limit", "connections-max", shown, "reason",
              "there are not more descriptors: raise LimitNOFILE (ulimit -n)", NULL);
}

void app_server_read_options(struct app_server *app_server)
{
    const struct app_server_options *o = app_server->options;
    const struct app_server_settings *settings = &app_server->settings;
    struct naf_service *naf = &app_server->ues.naf;
    struct server *server = &app_server->server;

    app_server_settings_read(&app_server->settings, o);
    server->limits = settings->limits;
    server->pools[POOL_UES].max = settings->connections_max;
    server->pools[POOL_NOTIFY].max = NOTIFY_CONNECTIONS_MAX;
    server->pools[POOL_STATUS].max = STATUS_CONNECTIONS_MAX;
    app_server->endpoints.left = (int)settings->connections;
    app_server->endpoints.counted = settings->connections != 0;
    naf->when = settings->when;
    naf->identities = settings->identities;
    naf->ua_protocol_ids = settings->ua_protocol_ids;
    app_server->links.mode = o->mode;
    app_server->links.digest = o->digest;
    app_server->links.usage = o->usage;
}

void app_server_reopen_logs(void)
{
    log_reopen();
    audit_reopen();
}

static bool open_logs(struct app_server *app_server)
{
    control_hold_reopen();
    log_set_up(app_server->settings.log_level, app_server->options->log_file);
    return log_open(app_server->settings.log_identities) &&
           audit_open(app_server->options->audit_log);
}

/* In this order: what is opened later works with what was opened before. */
static bool open_all(struct app_server *app_server)
{
    return source_options_open_files() && app_server_open_devices(app_server) &&
           app_server_open_ka_devices(app_server) && app_server_open_link_tls(app_server) &&
           open_psk(app_server) && open_dtls(app_server) && app_server_open_loops(app_server) &&
           open_conn_limits(app_server) && app_server_open_roles(app_server);
}

int app_server_set_up(struct app_server *app_server)
{
    int status;

    json_line_set_up();
    app_server->changes = file_changes_new();
    if (app_server->changes == NULL || !open_logs(app_server))
        return EXIT_FAILURE;
    status = app_server_open_policy(app_server);
    if (status != EXIT_SUCCESS)
        return status;
    if (!open_all(app_server))
        return EXIT_FAILURE;
    control_hold_signals();
    app_server->endpoints.are_waiting = predecessor_is_there();
    if (!listen_all(app_server) || !source_options_start(app_server->ues.naf.source))
        return EXIT_FAILURE;
    inherited_close_rest();
    fit_descriptors(app_server);
    reload_taken(app_server);
    return EXIT_SUCCESS;
}

/* What posts to the loops, or has connections on them. */
static void release_callers(struct app_server *app_server)
{
    struct naf_service *naf = &app_server->ues.naf;

    endpoints_free(&app_server->endpoints, &app_server->server);
    ka_source_stop(app_server->ka);
    revocation_queue_stop(app_server->queue);
    revocation_queue_stop(app_server->ka_queue);
    third_party_free(naf->third_party);
    naf->third_party = NULL; /* what was posted too late finds none */
    source_options_stop(naf->source);
    source_free(naf->source);
    naf->source = NULL;
    source_options_close();
    store_free(app_server->store); /* its connections are on the loops */
    probe_free(app_server->probe);
    heartbeat_free(app_server->heartbeat);
    file_changes_free(app_server->changes);
}

static void release_limits(struct app_server *app_server)
{
    conn_limit_free(app_server->ues.devices);
    conn_limit_free(app_server->ues.held);
    conn_limit_free(app_server->links.per_naf);
}

void app_server_release(struct app_server *app_server)
{
    struct ue_service *ues = &app_server->ues;

    release_callers(app_server);
    loops_free(app_server->server.loops);
    revocation_queue_free(app_server->queue);
    revocation_queue_free(app_server->ka_queue);
    app_free(ues->endpoint.app);
    key_issuer_free(app_server->links.issuer);
    ka_source_free(app_server->ka);
    devices_current_free(app_server->devices);
    devices_current_free(app_server->ka_devices);
    tp_link_tls_free(app_server->link_tls);
    release_limits(app_server);
    SSL_CTX_free(ues->psk);
    SSL_CTX_free(ues->dtls);
    server_release(&app_server->server);
    OPENSSL_cleanse(ues->secret, sizeof(ues->secret));
    for (size_t i = 0; i < app_server->naf_setup_count; i++)
        e2e_close(&app_server->naf_setups[i].e2e);
    addrs_close(&app_server->link.addrs);
    addrs_close(&app_server->application);
    OPENSSL_free(app_server->third_party_host);
}
