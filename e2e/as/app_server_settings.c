/*
 * The numbers and words of e2e-as's options, understood
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/app_server_settings.h"

#include "as/source_options.h"
#include "net/dgram.h"
#include "net/dtls.h"
#include "options.h"
#include "printable.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY             86400
#define YEAR            (366 * DAY)
#define CONNECTIONS_TOP 1000000

/* Which one of the words (NULL is the last) it is, or exit. */
static int choose(const char *option, const char *value, const char *const words[],
                  const char *wanted)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    fprintf(stderr, "%s--%s %s: must be %s\n", options_where(option), option, PRINTABLE(value),
            wanted);
    exit(options_refusal());
}

static void read_limits(struct app_server_settings *settings, const struct app_server_options *o)
{
    struct limits *limits = &settings->limits;

    settings->connections_max =
        options_number("connections-max", o->connections_max, 1, CONNECTIONS_TOP);
    limits->handshake = options_number("handshake-timeout", o->handshake_timeout, 1, DAY);
    limits->line = options_number("line-timeout", o->line_timeout, 1, DAY);
    limits->idle = options_number("idle-timeout", o->idle_timeout, 1, YEAR);
    limits->session = app_server_options_number("session-lifetime", o->session_lifetime, 1, YEAR);
    limits->descriptors_per_connection = o->forward == NULL ? 1 : 2;
    settings->drain = options_number("drain-timeout", o->drain_timeout, 0, DAY);
    settings->connections = app_server_options_number("connections", o->connections, 1, INT_MAX);
}

static void read_words(struct app_server_settings *settings, const struct app_server_options *o)
{
    static const char *const levels[] = {"err", "warning", "info", NULL};
    static const char *const whens[] = {"required", "offered", "off", NULL};
    static const char *const hows[] = {"full", "hash", NULL};

    settings->when = (enum when)choose("e2e", o->e2e, whens, "required, offered or off");
    settings->identities.prefix = o->prefix;
    settings->identities.separator = identity_separator_named(o->separator);
    (void)log_level_named(levels[choose("log-level", o->log_level, levels, "err, warning or info")],
                          &settings->log_level);
    settings->log_identities =
        (enum log_identities)choose("log-identities", o->log_identities, hows, "full or hash");
}

/* Which identifiers there are, and where a key would be for more than one of them. */
static bool read_ua_protocol_ids(struct app_server_settings *settings,
                                 const struct app_server_options *o)
{
    struct ua_protocol_ids *ids = &settings->ua_protocol_ids;
    unsigned char akma[UA_PROTOCOL_IDS_MAX][AKMA_UA_PROTOCOL_ID_LENGTH];
    struct dtls_suites suites;
    const char *fault;

    settings->versions = dgram_address(o->accept) != NULL    ? UA_DTLS12
                         : app_server_options_allow_tls12(o) ? UA_TLS12_TOO
                                                             : UA_TLS13;
    if (!dtls_read_ciphers(&suites, o->dtls_ciphers) ||
        !ua_protocol_ids_read(ids, o->ua_protocol_ids, settings->versions, &suites))
        return false;
    if (!ua_protocol_ids_of_file(settings->file_ids, ids, o->ua_protocol_ids, settings->versions,
                                 &fault) &&
        !source_options_given())
        return app_server_complain_of(fault);
    source_options_check(o->naf_fqdn,
                         ua_protocol_ids_all(akma, ids, settings->versions, KEY_AKMA) > 1,
                         settings->versions == UA_TLS12_TOO);
    return true;
}

void app_server_settings_read(struct app_server_settings *settings,
                              const struct app_server_options *o)
{
    read_limits(settings, o);
    read_words(settings, o);
    settings->reload_interval = options_number("reload-interval", o->reload_interval, 0, DAY);
    settings->lifetime = options_number("refresh-lifetime", o->lifetime, 1, LIFETIME_TOP);
    settings->per_source =
        options_number("handshakes-per-source", o->handshakes_per_source, 1, CONNECTIONS_TOP);
    settings->per_device =
        options_number("connections-per-device", o->connections_per_device, 1, CONNECTIONS_TOP);
    if (!read_ua_protocol_ids(settings, o))
        exit(options_refusal());
}
