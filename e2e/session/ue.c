/*
 * A connection of a UE: who is at the other end, and how long it may stay
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/ue.h"

#include "hex.h"
#include "net/clock.h"
#include "net/tls.h"
#include "server/conn_limit.h"
#include "session/psk_lookup.h"
#include "session/ue_repeats.h"
#include "source/source.h"
#include "store/store.h"
#include "third_party/third_party.h"

#include <openssl/crypto.h>
#include <string.h>

static SSL_CTX *get_ctx(void *service)
{
    SSL_CTX *psk = ((const struct ue_service *)service)->psk;

    return SSL_CTX_up_ref(psk) ? psk : NULL;
}

static SSL_CTX *get_dtls_ctx(void *service)
{
    SSL_CTX *dtls = ((const struct ue_service *)service)->dtls;

    return dtls != NULL && SSL_CTX_up_ref(dtls) ? dtls : NULL;
}

bool ue_may_be(const struct ue *ue, enum ue_role role)
{
    const struct connection_kind *kind = ue->connection.kind;
    const struct ue_service *service = ue_service(ue);

    if (role == UE_FIRST)
        return kind != &ue_kind_e2e && service->naf.third_party != NULL;
    return kind != &ue_kind_naf && service->endpoint.store != NULL && !ue_is_tls12(ue);
}

void ue_claim_clear(struct ue_claim *claim)
{
    OPENSSL_cleanse(claim->key, sizeof(claim->key));
    OPENSSL_free(claim->identity);
    OPENSSL_free(claim->device);
    OPENSSL_free(claim->ka_id);
    OPENSSL_free(claim->subject);
    OPENSSL_free(claim->naf);
    memset(claim, 0, sizeof(*claim));
}

/* The name under which connections are counted: the device's, or the identity of an anonymous one.
 */
static const char *counted_name(const struct ue *ue)
{
    return ue->claim.device[0] == '\0' ? ue->claim.identity : ue->claim.device;
}

bool ue_count(struct ue *ue)
{
    const char *name = counted_name(ue);

    ue->is_counted = conn_limit_acquire(ue_service(ue)->devices, name, strlen(name));
    if (ue->is_counted)
        return true;
    ue_refuse(ue, METRIC_REFUSED_DEVICE,
              "the device has --connections-per-device connections already");
    return false; /* and the UE is gone */
}

bool ue_hold(struct ue *ue)
{
    struct ue_service *service = ue_service(ue);
    const char *name = counted_name(ue);

    if (ue->connection.worker->is_draining ||
        !conn_limit_acquire(service->held, name, strlen(name)))
        return false;
    conn_limit_release(service->devices, name, strlen(name));
    ue->is_counted = false;
    ue->state = UE_HELD;
    connection_set_idle(&ue->connection, true);
    return true;
}

static void stop_holding(struct ue *ue)
{
    const char *name = counted_name(ue);

    conn_limit_release(ue_service(ue)->held, name, strlen(name));
    connection_set_idle(&ue->connection, false);
    ue->state = UE_READING_NONCE;
}

bool ue_resume(struct ue *ue)
{
    stop_holding(ue);
    return ue_count(ue);
}

const char *ue_ua_text(const struct ue *ue, char text[UE_UA_TEXT_SIZE])
{
    memset(text, 0, UE_UA_TEXT_SIZE);
    (void)hex_encode(text, ue->claim.ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH);
    return ue->claim.role == UE_FIRST ? text : NULL;
}

void ue_log(const struct ue *ue, const char *event, const char *key, const char *value)
{
    char peer[LOG_ADDRESS_SIZE], ua[UE_UA_TEXT_SIZE];

    log_event(event, "endpoint", ue->connection.kind->name, "peer",
              log_address(peer, &ue->connection.peer.any), "identity", ue->claim.identity, "device",
              ue->claim.device, key, value, "ua-protocol-id", ue_ua_text(ue, ua), NULL);
}

void ue_refuse(struct ue *ue, enum metric metric, const char *reason)
{
    connection_refuse(&ue->connection, metric, ue->claim.identity, reason);
}

static void ready(struct connection *connection)
{
    struct ue *ue = (struct ue *)connection;

    psk_lookup_finish(ue->lookup, &ue->claim);
    ue->lookup = NULL;
    if (!tls_psk_was_used(connection->ssl) || ue->claim.role == UE_NOBODY)
        connection_refuse(connection, METRIC_REFUSED_HANDSHAKE, NULL, "no key was used");
    else if (ue->claim.role == UE_E2E)
        ue_serve_e2e(ue);
    else if (ue_count(ue))
        ue_serve_first(ue);
}

static void release_ue(struct connection *connection)
{
    struct ue *ue = (struct ue *)connection;
    struct ue_service *service = ue_service(ue);
    const struct naf_service *naf = &service->naf;
    struct store *store = service->endpoint.store;

    psk_lookup_free(ue->lookup);
    ue->lookup = NULL; /* a job that pauses for it finds none */
    if (ue->source_request != NULL)
        naf->source->ops->cancel(naf->source, ue->source_request);
    if (ue->third_party_request != NULL)
        ue->third_party_request->cancel(ue->third_party_request);
    if (ue->store_request != NULL)
        store->ops->cancel(store, ue->store_request);
    if (ue->state == UE_ATTACHED)
        app_session_stop(&ue->session);
    if (ue->state == UE_HELD)
        stop_holding(ue);
    if (ue->is_counted)
        conn_limit_release(service->devices, counted_name(ue), strlen(counted_name(ue)));
    tls_lines_clear(&ue->lines);
    ue_repeats_free(ue->repeats);
    OPENSSL_free(ue->claimed_device);
    OPENSSL_free(ue->claimed_ka_id);
    ue_claim_clear(&ue->claim);
}

static bool agrees(const char *wanted, const char *text)
{
    return wanted == NULL || (text != NULL && strcmp(wanted, text) == 0);
}

/*
 * Does a connection depend on what scope describes? An e2e connection depends on its record's Ka,
 * the first connection's identity, and the NAF that asked. A first connection depends on its
 * identity, its device and this process's NAF, and on no Ka. This holds from the ClientHello on, in
 * which the key was found.
 */
static bool runs_on(const struct connection *connection, const struct store_scope *scope)
{
    const struct ue *ue = (const struct ue *)connection;
    const struct ue_claim *claim = ue->lookup != NULL ? psk_lookup_claim(ue->lookup) : &ue->claim;

    if (claim->role == UE_E2E)
        return agrees(scope->device, claim->device) && agrees(scope->ka_id, claim->ka_id) &&
               agrees(scope->subject, claim->subject) && agrees(scope->naf, claim->naf);
    return claim->role == UE_FIRST && scope->ka_id == NULL &&
           agrees(scope->device, claim->device) && agrees(scope->subject, claim->identity) &&
           agrees(scope->naf, ue_service(ue)->naf.name);
}

/* Close a held first connection; the others are left to finish. */
static void drain(struct connection *connection)
{
    if (((struct ue *)connection)->state == UE_HELD)
        connection_close(connection, "the server comes to its end");
}

static void explain(const struct connection *connection, struct refusal_facts *facts)
{
    const struct ue *ue = (const struct ue *)connection;

    facts->lacks = ue->lacks;
    psk_lookup_explain(ue->lookup, facts);
}

/* Kinds that take first connections close the held ones when the server drains. */
#define UE_KIND(called, counter, told)                                                      \
    {                                                                                       \
        .name = (called), .accepted = (counter), .size = sizeof(struct ue), .counts = true, \
        .pool = POOL_UES, .ctx = get_ctx, .dtls_ctx = get_dtls_ctx,                         \
        .find_key = psk_lookup_find_key, .ready = ready, .release = release_ue,             \
        .runs_on = runs_on, .drain = (told), .explain = explain                             \
    }

const struct connection_kind ue_kind_naf = UE_KIND("naf", METRIC_CONNECTIONS_NAF, drain);
const struct connection_kind ue_kind_e2e = UE_KIND("e2e", METRIC_CONNECTIONS_E2E, NULL);
const struct connection_kind ue_kind_both = UE_KIND("both", METRIC_CONNECTIONS_NAF, drain);

void ue_attach_app(struct ue *ue, const char *prefix)
{
    const struct app_session_setup setup = {
        .connection = &ue->connection,
        .device = ue->claim.device,
        .identity = ue->claim.identity,
        .app = ue_service(ue)->endpoint.app,
        .prefix = prefix,
        .lines = &ue->lines,
    };

    ue->state = UE_ATTACHED;
    if (!app_session_start(&ue->session, &setup))
        connection_close(&ue->connection, "out of memory");
}
