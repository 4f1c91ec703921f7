/*
 * The options of e2e-as
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef APP_SERVER_OPTIONS_H
#define APP_SERVER_OPTIONS_H

#include <stdbool.h>

/* As they were given; NULL: not given, and there is no default. */
struct app_server_options {
    const char *accept, *e2e_accept, *naf_accept, *third_party, *dtls_ciphers;
    const char *devices, *insecure_devices;
    const char *naf_fqdn, *const *ua_protocol_ids, *tls_min, *e2e, *prefix, *separator;
    const char *mode, *digest, *usage, *lifetime;
    const char *cert, *key, *ca, *crl;
    const char *store, *store_key, *store_user, *store_password_file, *store_ca;
    const char *forward, *proxy_protocol;
    const char *connections_max, *connections_per_device, *handshakes_per_source;
    const char *handshake_timeout, *line_timeout, *idle_timeout, *session_lifetime, *drain_timeout;
    const char *reload_interval;
    const char *log_identities, *log_level, *log_file, *audit_log, *metrics, *ready_strict,
        *connections, *keylog;
};

/* What a process plays, by the addresses it was given. */
struct app_server_roles {
    bool naf;         /* first connections: --accept */
    bool third_party; /* derives: unless it is a separate NAF, or an endpoint alone */
    bool endpoint;    /* e2e connections */
    bool tp_link_client, tp_link_server;
    bool shared_store; /* outstanding keys are in a Redis */
};

/* Does --tls-min allow TLS 1.2? */
bool app_server_options_allow_tls12(const struct app_server_options *options);

/* Parse, or exit; what makes no sense together is refused with a sentence. */
const struct app_server_options *app_server_options_parse(int argc, char *argv[],
                                                          struct app_server_roles *roles);

/* A number of an option that may have no default: 0 if it was not given. */
unsigned int app_server_options_number(const char *name, const char *value, unsigned int min,
                                       unsigned int max);

/* Say on standard error why the program cannot start; false. */
bool app_server_complain(const char *sentence);

/* The same of a sentence about an option, behind where it was given. */
bool app_server_complain_of(const char *fault);

#endif
