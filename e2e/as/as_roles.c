/*
 * What the roles of e2e-as work with: store, application, third party, source of keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/as_roles.h"

#include "app/forward.h"
#include "as/source_options.h"
#include "messages/line_messages.h"
#include "options.h"
#include "third_party/flagger.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <string.h>

#define LIFETIME_TOP 86400 /* --refresh-lifetime: seconds, a day */

/* The NAF apart: its end of the line. */
static bool open_line_client(struct as *as)
{
    const struct as_options *o = as->options;
    char *service = NULL;
    long length = 0;
    unsigned char *ua = OPENSSL_hexstr2buf(o->ua_protocol_id, &length); /* checked by open_e2e() */
    bool done = ua != NULL && length == LINE_UA_LENGTH;

    if (done)
        memcpy(as->naf.ua_protocol_id, ua, LINE_UA_LENGTH);
    OPENSSL_free(ua);
    as->naf.naf_fqdn = o->naf_fqdn;
    done =
        done && target_open(&as->naf.target, "third-party", o->third_party) &&
        BIO_parse_hostserv(o->third_party, &as->third_party_host, &service, BIO_PARSE_PRIO_SERV) &&
        as->third_party_host != NULL;
    OPENSSL_free(service);
    as->naf.host = as->third_party_host;
    if (done)
        as->server.flags = line_client_new(&as->naf, as->server.line, as->server.loops);
    return as->server.flags != NULL;
}

static bool open_store(struct as *as)
{
    const struct as_options *o = as->options;

    if (!as->roles.third_party && !as->roles.endpoint)
        return true;
    if (!as->roles.shared_store) {
        as->server.store = store_memory_new();
        return as->server.store != NULL || as_complain("out of memory");
    }
    as->store = (struct store_redis_options){.url = o->store,
                                             .key = o->store_key,
                                             .user = o->store_user,
                                             .password_file = o->store_password_file,
                                             .ca = o->store_ca};
    as->server.store = store_redis_new(as->server.loops, &as->store);
    return as->server.store != NULL;
}

/* What e2e connections are for. */
static bool open_application(struct as *as)
{
    const struct as_options *o = as->options;

    if (!as->roles.endpoint)
        return true;
    if (o->forward == NULL)
        as->server.app = app_echo_new("e2e: ", as->server.limits.line);
    else if (!target_open(&as->application, "forward", o->forward))
        return false;
    else
        as->server.app = app_forward_new(&as->application, o->proxy_protocol != NULL);
    return as->server.app != NULL || as_complain("out of memory");
}

bool as_open_roles(struct as *as)
{
    struct server *server = &as->server;
    const unsigned int lifetime =
        options_number("refresh-lifetime", as->options->lifetime, 1, LIFETIME_TOP);

    if (!open_store(as) || !open_application(as))
        return false;
    if (as->roles.third_party && (server->flagger = flagger_new(server, lifetime)) == NULL)
        return as_complain("out of memory");
    if (server->devices_current != NULL &&
        (as->removals = removals_new(server, server->flagger != NULL ? lifetime : LIFETIME_TOP)) ==
            NULL)
        return as_complain("out of memory");
    if (!as->roles.naf)
        return true;
    server->naf = as->options->naf_fqdn;
    server->source = source_options_open(server->devices_current);
    if (server->source == NULL)
        return as_complain("out of memory");
    if (as->roles.line_client)
        return open_line_client(as);
    server->flags = flags_local_new(server->flagger, &as->e2e, server->naf);
    return server->flags != NULL || as_complain("out of memory");
}
