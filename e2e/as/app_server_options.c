/*
 * The options of e2e-as
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/app_server_options.h"

#include "as/ka_options.h"
#include "as/source_options.h"
#include "messages/e2e_flag.h"
#include "messages/identity.h"
#include "messages/ua_protocol_id.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "options.h"
#include "store/store_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Defaults. */
static const char ua_protocol_id[] = UA_PROTOCOL_ID, required[] = "required", any[] = IDENTITY_ANY,
                  mode[] = "3GPP", digest[] = "SHA2-256", usage[] = E2E_USAGE, lifetime[] = "30",
                  memory[] = "memory", dtls_ciphers[] = DTLS_CIPHERS, tls13[] = "1.3";

static const char *ua_protocol_ids[OPTION_MANY_MAX + 1] = {ua_protocol_id};

static struct app_server_options given = {
    .ua_protocol_ids = ua_protocol_ids,
    .dtls_ciphers = dtls_ciphers,
    .tls_min = tls13,
    .e2e = required,
    .prefix = any,
    .separator = any,
    .mode = mode,
    .digest = digest,
    .usage = usage,
    .lifetime = lifetime,
    .store = memory,
    .connections_max = "10000",
    .connections_per_device = "64",
    .handshakes_per_source = "256",
    .handshake_timeout = "10",
    .line_timeout = "10",
    .idle_timeout = "300",
    .drain_timeout = "3",
    .reload_interval = "60",
    .log_identities = "full",
    .log_level = "info",
};

static const struct option_row addresses[] = {
    {"accept", "[udp:]HOST:PORT", &given.accept, false,
     "first connections of UEs: the NAF; port 0: any; udp: over DTLS"},
    {"e2e-accept", "[udp:]HOST:PORT", &given.e2e_accept, false,
     "e2e connections of UEs: the endpoint; without it they come to --accept"},
    {"dtls-ciphers", "LIST", &given.dtls_ciphers, false,
     "cipher suites over DTLS and TLS 1.2, in OpenSSL's names; PSK-AES128-CCM8 and others without "
     "ECDHE have "
     "no forward secrecy"},
    {"third-party", "HOST:PORT", &given.third_party, false,
     "ask the third party there for flags (separate NAF; holds no Ka and no e2e_key)"},
    {"naf-accept", "HOST:PORT", &given.naf_accept, false,
     "accept requests from NAFs (separate third party; holds no Ks_NAF)"},
};

static const struct option_row devices[] = {
    {"devices", "FILE", &given.devices, false,
     "keys of the UEs: identity,ks-naf,ka[,ka-id][,device][,not-after]; for a separate NAF each ka "
     "is empty, for a separate third party each ks-naf"},
    {"insecure-devices", NULL, &given.insecure_devices, false,
     "accept a devices file that others can read"},
};

static const struct option_row naf[] = {
    {"naf-fqdn", "NAME", &given.naf_fqdn, false, "FQDN of the NAF or AF"},
    {"ua-protocol-id", "suite|[akma:|gba:]HEX", ua_protocol_ids, OPTION_MANY,
     "Ua security protocol identifier, of one system or of those without their own; may be "
     "repeated; suite: that of the cipher suite, as over DTLS by default"},
    {"tls-min", "1.2|1.3", &given.tls_min, false,
     "the oldest version of TLS that a first connection may speak; in 1.2 the Ua security protocol "
     "identifier is always that of the cipher suite"},
    {"e2e", "required|offered|off", &given.e2e, false,
     "required: no plain connection; offered: e2e for UEs with a Ka, plain for all; off"},
    {"identity-prefix", "TEXT", &given.prefix, false,
     "any: 3GPP-AKMA, 3GPP-bootstrapping, 3GPP-bootstrapping-uicc; or only this one"},
    {"identity-separator", "TEXT", &given.separator, false,
     "any: none, \".\" or \";\" after the prefix; or only this one (\"none\": none)"},
};

static const struct option_row third_party[] = {
    {"mode", "MODE", &given.mode, false, "3GPP or HKDF"},
    {"digest", "DIGEST", &given.digest, false, "hash of the HMAC"},
    {"usage", "TEXT", &given.usage, false, "what the key is for"},
    {"refresh-lifetime", "SECONDS", &given.lifetime, false, "how long a refresh is valid"},
};

static const struct option_row link[] = {
    {"cert", "FILE", &given.cert, false, "this side's certificate and its chain, PEM"},
    {"key", "FILE", &given.key, false, "its private key, PEM, of mode 0600"},
    {"ca", "FILE", &given.ca, false, "CA certificate used to verify the peer"},
    {"crl", "FILE", &given.crl, false, "the CA's list of revoked certificates"},
};

static const struct option_row store[] = {
    {"store", "WHERE", &given.store, false,
     "outstanding e2e keys: memory, redis://HOST:PORT or rediss://HOST:PORT (TLS), which third "
     "parties and endpoints share"},
    {"store-key", "FILE", &given.store_key, false,
     "keys that seal records in a Redis: lines N:<64 hex digits>, of mode 0600; the first line "
     "seals, all open"},
    {"store-user", "NAME", &given.store_user, false, "Redis's user (default its default one)"},
    {"store-password-file", "FILE", &given.store_password_file, false,
     "its password, of mode 0600"},
    {"store-ca", "FILE", &given.store_ca, false,
     "CA certificate used to verify a rediss: server (default the system's)"},
};

static const struct option_row endpoint[] = {
    {"forward", "[udp:]HOST:PORT|unix:PATH", &given.forward, false,
     "relay e2e connections to the application there (default: an echo); udp: datagrams, of an "
     "endpoint over DTLS"},
    {"proxy-protocol", NULL, &given.proxy_protocol, false,
     "send a PROXY protocol v2 header naming the device, as the CN of PP2_TYPE_SSL"},
};

static const struct option_row limits[] = {
    {"connections-max", "N", &given.connections_max, false,
     "connections at a time; fewer if there are not enough descriptors"},
    {"connections-per-device", "N", &given.connections_per_device, false,
     "connections of one device at a time"},
    {"handshakes-per-source", "N", &given.handshakes_per_source, false,
     "unfinished handshakes at a time, of one IPv4 address or one IPv6 /64"},
    {"handshake-timeout", "SECONDS", &given.handshake_timeout, false, "time limit for a handshake"},
    {"line-timeout", "SECONDS", &given.line_timeout, false,
     "time limit for a line that is awaited or has begun"},
    {"idle-timeout", "SECONDS", &given.idle_timeout, false,
     "close a connection after this long without progress in either direction"},
    {"session-lifetime", "SECONDS", &given.session_lifetime, false,
     "time limit for a connection, whatever happens on it (default none)"},
    {"connections", "N", &given.connections, false, "exit after this many connections of UEs"},
};

static const struct option_row operation[] = {
    {"log-identities", "full|hash", &given.log_identities, false,
     "full, or hash: keyed for this run of the process"},
    {"log-level", "err|warning|info", &given.log_level, false,
     "the least severe level that is logged"},
    {"log-file", "FILE", &given.log_file, false,
     "append the log to it, not to standard error; reopened at SIGUSR1"},
    {"audit-log", "FILE", &given.audit_log, false,
     "append a line to it for every key that is issued, used or revoked; reopened at SIGUSR1"},
    {"metrics", "HOST:PORT", &given.metrics, false,
     "GET /metrics, /healthz, /readyz and, for browsers, /; without HOST, the loopback"},
    {"ready-strict", NULL, &given.ready_strict, false,
     "/readyz answers 503 while the store, the link, the application or the operator is down"},
    {"drain-timeout", "SECONDS", &given.drain_timeout, false,
     "time that open connections have to end after SIGTERM"},
    {"reload-interval", "SECONDS", &given.reload_interval, false,
     "how often the files, except --devices, are checked: what has changed is read again; 0: only "
     "at SIGHUP"},
    {"keylog", "FILE", &given.keylog, false, "write TLS secrets of UEs, for debugging"},
    OPTION_CONFIG_ROW,
    OPTION_CHECK_ROW,
    OPTION_PRINT_ROW,
    OPTION_VERSION_ROW,
};

static _Noreturn void refuse(const char *sentence)
{
    fprintf(stderr, "e2e-as: %s%s\ne2e-as: try --help\n", options_where(sentence), sentence);
    exit(options_refusal());
}

static void require(bool is_there, const char *sentence)
{
    if (!is_there)
        refuse(sentence);
}

static bool is_same(const char *value, const char *otherwise)
{
    return strcmp(value, otherwise) == 0;
}

/* An option of another role is reported rather than ignored. */
static void check_addresses(const struct app_server_options *o)
{
    require(o->third_party == NULL || o->accept != NULL,
            "--third-party is for a NAF, and --accept HOST:PORT, where UEs reach it, is missing");
    require(o->accept != NULL || o->naf_accept != NULL || o->e2e_accept != NULL,
            "--accept HOST:PORT (NAF), --naf-accept HOST:PORT (third party) or --e2e-accept "
            "HOST:PORT (endpoint) is missing");
    require(o->third_party == NULL || o->naf_accept == NULL,
            "--third-party and --naf-accept: a process is the NAF's end of the link or the third "
            "party's, not both");
    require(o->third_party == NULL || o->e2e_accept == NULL,
            "--third-party and --e2e-accept: a separate NAF holds no e2e_key, so that the endpoint "
            "is another process's");
}

static void check_naf(const struct app_server_options *o)
{
    require(o->accept == NULL || o->naf_fqdn != NULL, "--naf-fqdn NAME is missing");
    require(o->accept != NULL || o->naf_fqdn == NULL,
            "--naf-fqdn is for a NAF (--accept); a separate third party takes it from requests");
    require(
        o->accept != NULL ||
            (is_same(o->ua_protocol_ids[0], ua_protocol_id) && o->ua_protocol_ids[1] == NULL),
        "--ua-protocol-id is for a NAF (--accept); a separate third party takes it from requests");
    require(o->accept != NULL || is_same(o->tls_min, tls13), "--tls-min is for a NAF (--accept)");
    require(o->accept != NULL || is_same(o->e2e, required), "--e2e is for a NAF (--accept)");
    require(o->accept != NULL || !source_options_given(), "--key-source is for a NAF (--accept)");
    require(o->accept != NULL || (is_same(o->prefix, any) && is_same(o->separator, any)),
            "--identity-prefix and --identity-separator are for a NAF (--accept)");
}

static void check_third_party(const struct app_server_options *o)
{
    const bool is_there = o->third_party == NULL && (o->accept != NULL || o->naf_accept != NULL);

    require(is_there || (is_same(o->mode, mode) && is_same(o->digest, digest) &&
                         is_same(o->usage, usage) && is_same(o->lifetime, lifetime)),
            "--mode, --digest, --usage and --refresh-lifetime are the third party's, which is "
            "another process");
}

static void check_link(const struct app_server_options *o)
{
    if (o->third_party == NULL && o->naf_accept == NULL) {
        require(o->cert == NULL && o->key == NULL && o->ca == NULL && o->crl == NULL,
                "--cert, --key, --ca and --crl are for the link between NAF and third party: "
                "--third-party or --naf-accept is missing");
        return;
    }
    require(o->cert != NULL, "--cert FILE is missing: the link has certificates both ways");
    require(o->key != NULL, "--key FILE is missing: the link has certificates both ways");
    require(o->ca != NULL, "--ca FILE is missing: the link has certificates both ways");
}

static bool is_udp(const char *address)
{
    return dgram_address(address) != NULL;
}

bool app_server_options_allow_tls12(const struct app_server_options *options)
{
    return is_same(options->tls_min, "1.2");
}

/* Whose UEs come over DTLS, or TLS 1.2. */
static void check_dtls(const struct app_server_options *o)
{
    const char *e2e_address = o->e2e_accept == NULL ? o->accept : o->e2e_accept;

    require(is_same(o->tls_min, tls13) || is_same(o->tls_min, "1.2"),
            "--tls-min: must be 1.2 or 1.3");
    require(is_same(o->tls_min, tls13) || !is_udp(o->accept),
            "--tls-min: over DTLS (--accept udp:) the version is 1.2 always");
    require(is_udp(o->accept) || is_udp(o->e2e_accept) || app_server_options_allow_tls12(o) ||
                is_same(o->dtls_ciphers, dtls_ciphers),
            "--dtls-ciphers is for DTLS and TLS 1.2: --accept udp:HOST:PORT, --e2e-accept "
            "udp:HOST:PORT or --tls-min 1.2 is missing");
    require(!is_udp(o->accept) || is_same(o->e2e, required),
            "--e2e: over DTLS (--accept udp:) nothing goes in plain");
    require(o->forward == NULL || is_udp(o->forward) == is_udp(e2e_address),
            "--forward: datagrams (udp:) go with an endpoint over DTLS, --e2e-accept udp:, and "
            "streams with one over TLS");
}

/* A file of Ka's is the devices file, unless another one has the NAF's keys. */
static void check_ka(struct app_server_options *o)
{
    const char *file = ka_options_file();

    require(!ka_options_given() ||
                (o->third_party == NULL && (o->accept != NULL || o->naf_accept != NULL)),
            "--ka-source and its options are for the process that derives: all in one, or the "
            "third party");
    ka_options_check();
    if (o->devices == NULL)
        o->devices = file;
    require(
        !ka_options_given() || o->accept != NULL || o->devices == file ||
            (file != NULL && strcmp(o->devices, file) == 0),
        "--devices: a separate third party holds no Ks_NAF, and its Ka's come from --ka-source");
}

static void check_devices(const struct app_server_options *o)
{
    const bool is_wanted = o->accept != NULL || o->naf_accept != NULL;
    const bool needs_ks_naf = o->accept != NULL && !source_options_given();
    const bool needs_ka = is_wanted && o->third_party == NULL && !ka_options_given();

    require((!needs_ks_naf && !needs_ka) || o->devices != NULL, "--devices FILE is missing");
    require(is_wanted || o->devices == NULL, "--devices: an endpoint alone does not use it");
    require(o->devices != NULL || o->insecure_devices == NULL,
            "--insecure-devices: there is no --devices FILE");
}

static void check_store(const struct app_server_options *o)
{
    const bool is_shared = !is_same(o->store, memory);

    require(!is_shared || o->third_party == NULL,
            "--store is the third party's and the endpoint's: a separate NAF holds no e2e_key");
    require(is_shared || (o->store_key == NULL && o->store_user == NULL &&
                          o->store_password_file == NULL && o->store_ca == NULL),
            "--store-key, --store-user, --store-password-file and --store-ca are for a Redis: "
            "--store redis://HOST:PORT or rediss://HOST:PORT is missing");
    require(!is_shared || store_redis_is_url(o->store),
            "--store: must be memory, redis://HOST:PORT or rediss://HOST:PORT; user and password "
            "are --store-user and --store-password-file");
    require(!is_shared || o->store_ca == NULL || store_redis_is_secure(o->store),
            "--store-ca goes with --store rediss://HOST:PORT");
    require(!is_shared || o->store_key != NULL,
            "--store-key FILE is missing: keys are not given to a Redis unsealed");
    require(o->store_user == NULL || o->store_password_file != NULL,
            "--store-user: --store-password-file FILE is missing");
    require(
        is_shared || o->accept != NULL || o->naf_accept != NULL,
        "--e2e-accept alone is a separate endpoint, whose keys come from a third party: --store "
        "redis://HOST:PORT or rediss://HOST:PORT is missing");
}

static void check_operation(const struct app_server_options *o)
{
    require(o->ready_strict == NULL || o->metrics != NULL,
            "--ready-strict: --metrics HOST:PORT is missing");
}

static void check_endpoint(const struct app_server_options *o, const struct app_server_roles *roles)
{
    require(o->forward == NULL || roles->endpoint,
            "--forward is for an endpoint: --e2e-accept HOST:PORT is missing");
    require(o->forward != NULL || o->proxy_protocol == NULL,
            "--proxy-protocol: --forward HOST:PORT or unix:PATH is missing");
}

const struct app_server_options *app_server_options_parse(int argc, char *argv[],
                                                          struct app_server_roles *roles)
{
    const struct option_group groups[] = {
        OPTION_GROUP("Addresses, which select this process's roles", addresses),
        OPTION_GROUP("Devices", devices),
        OPTION_GROUP("NAF (--accept)", naf),
        source_options,
        ka_options,
        OPTION_GROUP("Third party (unless --third-party)", third_party),
        OPTION_GROUP("The link between NAF and third party (--third-party, --naf-accept)", link),
        OPTION_GROUP("Store of outstanding keys (third party, endpoint)", store),
        OPTION_GROUP("Endpoint (--e2e-accept, or --accept)", endpoint),
        OPTION_GROUP("Limits", limits),
        OPTION_GROUP("Operation", operation),
    };

    options_parse(argc, argv, "an application server: NAF, third party, endpoint, over TLS 1.3",
                  groups, sizeof(groups) / sizeof(groups[0]));
    check_addresses(&given);
    check_naf(&given);
    check_third_party(&given);
    check_link(&given);
    check_dtls(&given);
    if (is_udp(given.accept) && given.ua_protocol_ids[0] == ua_protocol_id)
        ua_protocol_ids[0] = UA_BY_SUITE;
    check_ka(&given);
    check_devices(&given);
    check_store(&given);
    check_operation(&given);
    roles->naf = given.accept != NULL;
    roles->tp_link_client = given.third_party != NULL;
    roles->tp_link_server = given.naf_accept != NULL;
    roles->third_party = (roles->naf && !roles->tp_link_client) || roles->tp_link_server;
    roles->endpoint = (roles->naf && !roles->tp_link_client) || given.e2e_accept != NULL;
    roles->shared_store = !is_same(given.store, memory);
    check_endpoint(&given, roles);
    return &given;
}

unsigned int app_server_options_number(const char *name, const char *value, unsigned int min,
                                       unsigned int max)
{
    return value == NULL ? 0 : options_number(name, value, min, max);
}

bool app_server_complain(const char *sentence)
{
    fprintf(stderr, "e2e-as: %s\n", sentence);
    return false;
}

bool app_server_complain_of(const char *fault)
{
    fprintf(stderr, "%s%s\n", options_where(fault), fault);
    return false;
}
