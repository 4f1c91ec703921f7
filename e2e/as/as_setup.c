/*
 * From the options of e2e-as to a server that can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/as_setup.h"

#include "as/as_roles.h"
#include "as/control.h"
#include "as/source_options.h"
#include "messages/json_line.h"
#include "net/common.h"
#include "options.h"
#include "printable.h"
#include "processors.h"
#include "server/tally.h"
#include "session/hello.h"
#include "session/ue.h"
#include "source/source.h"
#include "third_party/flagger.h"
#include "third_party/line_server.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DAY              86400
#define YEAR             (366 * DAY)
#define CONNECTIONS_TOP  1000000
#define DESCRIPTORS_LEFT 12 /* for signals, files, the line, and clients that ask for metrics */

bool as_complain(const char *sentence)
{
    fprintf(stderr, "e2e-as: %s\n", sentence);
    return false;
}

/* A word of a few, or exit. */
static int choose(const char *option, const char *value, const char *const words[], int count,
                  const char *wanted)
{
    for (int i = 0; i < count; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    fprintf(stderr, "--%s %s: must be %s\n", option, PRINTABLE(value), wanted);
    exit(EXIT_USAGE);
}

static void read_limits(struct as *as)
{
    const struct as_options *o = as->options;
    struct limits *limits = &as->server.limits;

    limits->connections = options_number("connections-max", o->connections_max, 1, CONNECTIONS_TOP);
    limits->handshake = options_number("handshake-timeout", o->handshake_timeout, 1, DAY);
    limits->line = options_number("line-timeout", o->line_timeout, 1, DAY);
    limits->idle = options_number("idle-timeout", o->idle_timeout, 1, YEAR);
    limits->session = as_options_number("session-lifetime", o->session_lifetime, 1, YEAR);
    limits->descriptors_per_connection = o->forward == NULL ? 1 : 2;
    as->drain = options_number("drain-timeout", o->drain_timeout, 0, DAY);
    as->endpoints.left = (int)as_options_number("connections", o->connections, 1, INT_MAX);
    as->endpoints.counted = o->connections != NULL;
}

static bool read_words(struct as *as)
{
    static const char *const whens[] = {"required", "offered", "off"}, *const hows[] = {"full",
                                                                                        "hash"};
    const struct as_options *o = as->options;

    as->server.when = (enum when)choose("e2e", o->e2e, whens, 3, "required, offered or off");
    as->server.identities.prefix = o->prefix;
    as->server.identities.separator = identity_separator_named(o->separator);
    as->server.policy.mode = o->mode;
    as->server.policy.digest = o->digest;
    as->server.policy.usage = o->usage;
    return log_open(
        (enum log_identities)choose("log-identities", o->log_identities, hows, 2, "full or hash"));
}

/* The setup of the keys; also where only requests of NAFs say the NAF_Id: a bad mode shows now. */
static int open_e2e(struct as *as)
{
    const struct as_options *o = as->options;
    const struct e2e_setup setup = {
        .naf_fqdn = o->naf_fqdn != NULL ? o->naf_fqdn : "naf.example.com",
        .mode = o->mode,
        .digest = o->digest,
        .usage = o->usage,
    };

    if (!as->roles.naf && !as->roles.third_party)
        return EXIT_SUCCESS;
    switch (common_open(&as->e2e, &setup, o->ua_protocol_id)) {
    case E2E_OPEN:
        return EXIT_SUCCESS;
    case E2E_REFUSED:
        return EXIT_USAGE;
    default:
        return EXIT_FAILURE;
    }
}

static bool open_devices(struct as *as)
{
    const struct devices_current_rules rules = {
        .needs_ks_naf = as->roles.naf && !as->roles.line_server && !source_options_given(),
        .may_have_ks_naf = as->roles.naf,
        .may_have_ka = as->roles.third_party,
        .insecure = as->options->insecure_devices != NULL,
    };
    char fault[DEVICES_CURRENT_FAULT_SIZE];

    if (as->options->devices == NULL)
        return true;
    as->server.devices_current = devices_current_open(as->options->devices, &rules, fault);
    return as->server.devices_current != NULL || (fprintf(stderr, "%s\n", fault), false);
}

static bool open_line(struct as *as)
{
    const struct as_options *o = as->options;
    const struct line_files files = {o->cert, o->key, o->ca, o->crl};
    char fault[LINE_TLS_FAULT_SIZE];

    if (o->cert == NULL)
        return true;
    as->server.line = line_tls_new(&files, as->roles.line_server, fault);
    return as->server.line != NULL || (fprintf(stderr, "%s\n", fault), false);
}

static bool open_psk(struct as *as)
{
    SSL_CTX *ctx = common_ctx(TLS_server_method(), as->options->keylog);

    if (ctx == NULL)
        return false;
    as->server.psk = ctx;
    hello_set_up(ctx);
    (void)SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY); /* other records do not hold a loop up */
    return true;
}

static bool open_loops(struct as *as)
{
    struct server *server = &as->server;

    server->loops = loops_new(processors());
    if (server->loops == NULL)
        return as_complain("no event loops: not enough memory or descriptors");
    server->workers = OPENSSL_zalloc(server->loops->count * sizeof(*server->workers));
    if (server->workers == NULL)
        return as_complain("out of memory");
    for (size_t i = 0; i < server->loops->count; i++) {
        server->workers[i].server = server;
        server->workers[i].loop = &server->loops->loop[i];
        TAILQ_INIT(&server->workers[i].all);
        TAILQ_INIT(&server->workers[i].unfinished);
    }
    return true;
}

static bool open_tallies(struct as *as)
{
    const struct as_options *o = as->options;
    struct server *server = &as->server;

    server->networks = tally_new(
        options_number("handshakes-per-source", o->handshakes_per_source, 1, CONNECTIONS_TOP));
    server->devices = tally_new(
        options_number("connections-per-device", o->connections_per_device, 1, CONNECTIONS_TOP));
    server->lines = tally_new(LINES_MAX_OF_NAF);
    return (server->networks != NULL && server->devices != NULL && server->lines != NULL &&
            RAND_bytes(server->secret, sizeof(server->secret)) > 0) ||
           as_complain("out of memory");
}

static bool listen_all(struct as *as)
{
    const struct as_options *o = as->options;
    const bool is_both = as->roles.endpoint && o->e2e_accept == NULL;

    return (o->accept == NULL ||
            endpoints_listen(&as->endpoints, is_both ? &ue_kind_both : &ue_kind_naf, "accept",
                             o->accept)) &&
           (o->e2e_accept == NULL ||
            endpoints_listen(&as->endpoints, &ue_kind_e2e, "e2e-accept", o->e2e_accept)) &&
           (o->naf_accept == NULL ||
            endpoints_listen(&as->endpoints, &line_kind, "naf-accept", o->naf_accept)) &&
           endpoints_accept(&as->endpoints, &as->server);
}

/* As many descriptors as there may be, and no more connections than that. */
static void fit_descriptors(struct as *as)
{
    struct limits *limits = &as->server.limits;
    struct rlimit descriptors;
    const int used = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3); /* the lowest that is free */
    unsigned int fit;
    char shown[16];

    if (used >= 0)
        (void)close(used);
    if (used < 0 || getrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return;
    descriptors.rlim_cur = descriptors.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    if (descriptors.rlim_cur > UINT_MAX / 2)
        return;
    fit = (unsigned int)descriptors.rlim_cur - (unsigned int)used;
    fit =
        fit > DESCRIPTORS_LEFT ? (fit - DESCRIPTORS_LEFT) / limits->descriptors_per_connection : 1;
    if (fit == 0 || fit >= limits->connections)
        return;
    limits->connections = fit;
    (void)snprintf(shown, sizeof(shown), "%u", fit);
    log_event("limit", "connections-max", shown, "reason",
              "there are not more descriptors: raise LimitNOFILE (ulimit -n)", NULL);
}

int as_set_up(struct as *as)
{
    struct server *server = &as->server;
    int status;

    json_line_set_up();
    read_limits(as);
    if (!read_words(as))
        return EXIT_FAILURE;
    status = open_e2e(as);
    if (status != EXIT_SUCCESS)
        return status;
    if (!source_options_check(as->options->naf_fqdn, as->options->ua_protocol_id) ||
        !open_devices(as) || !open_line(as) || !open_psk(as) || !open_loops(as) ||
        !open_tallies(as) || !as_open_roles(as))
        return EXIT_FAILURE;
    control_hold_signals();
    if (!listen_all(as) || !source_options_start(server))
        return EXIT_FAILURE;
    fit_descriptors(as);
    return EXIT_SUCCESS;
}

void as_release(struct as *as)
{
    struct server *server = &as->server;

    endpoints_free(&as->endpoints, server);
    removals_stop(as->removals);
    flags_free(server->flags);
    server->flags = NULL; /* what was posted too late finds none */
    source_options_stop(server->source);
    source_free(server->source);
    server->source = NULL;
    source_options_close();
    store_free(server->store); /* its connections are on the loops */
    loops_free(server->loops);
    removals_free(as->removals);
    app_free(server->app);
    flagger_free(server->flagger);
    devices_current_free(server->devices_current);
    line_tls_free(server->line);
    tally_free(server->networks);
    tally_free(server->devices);
    tally_free(server->lines);
    SSL_CTX_free(server->psk);
    OPENSSL_free(server->workers);
    OPENSSL_cleanse(server->secret, sizeof(server->secret));
    e2e_close(&as->e2e);
    target_close(&as->naf.target);
    target_close(&as->application);
    OPENSSL_free(as->third_party_host);
}
