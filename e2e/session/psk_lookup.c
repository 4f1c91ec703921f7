/*
 * Which of the PSK identities that a UE presents is known, without blocking
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session/psk_lookup.h"

#include "messages/ua_protocol_id.h"
#include "net/clock.h"
#include "net/dtls.h"
#include "session/psk_offers.h"
#include "source/source.h"
#include "store/store.h"
#include "tls13_psk.h"

#include <openssl/async.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGEST_LENGTH 32 /* SHA-256 */

/* An identity that can be looked up: short enough, and text without NUL. */
struct candidate {
    char text[TLS13_PSK_IDENTITY_MAX + 1];
};

enum psk_lookup_state {
    PSK_LOOKUP_PREPARED, /* nobody was asked so far: a job pauses for it */
    PSK_LOOKUP_PENDING,  /* source or store are asked, and the handshake pauses */
    PSK_LOOKUP_DONE      /* one identity is known, or none is */
};

struct psk_lookup {
    struct ue *ue;
    enum psk_lookup_state state;
    struct candidate candidates[PSK_OFFERS_MAX];
    size_t count, next;
    const char *asked; /* the identity that is looked up, within its candidate */
    int64_t asked_at;
    struct source_request *source_request;
    struct store_request *store_request;
    char outage[STORE_REASON_SIZE]; /* empty: none; of the last question */
    enum metric outage_metric;
    struct ue_claim claim;
    unsigned char chosen[DIGEST_LENGTH]; /* hash of the identity whose key is claim.key */
};

static bool hash(const unsigned char *octets, size_t length, unsigned char digest[DIGEST_LENGTH])
{
    return EVP_Digest(octets, length, digest, NULL, EVP_sha256(), NULL) > 0;
}

/* The key of an identity that nobody knows. */
static bool make_decoy(struct psk_lookup *lookup, const struct psk_offer *identity)
{
    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, ue_service(lookup->ue)->secret,
                     UE_SECRET_LENGTH, identity->octets, identity->length, lookup->claim.key,
                     UE_KEY_LENGTH, NULL) != NULL &&
           hash(identity->octets, identity->length, lookup->chosen);
}

/* The identity that was asked for is known: its key is the one to continue with. */
static bool choose(struct psk_lookup *lookup, enum ue_role role, const char *device,
                   const unsigned char *key)
{
    const char *identity = lookup->candidates[lookup->next - 1].text;

    lookup->claim.identity = OPENSSL_strdup(lookup->asked);
    lookup->claim.device = OPENSSL_strdup(device);
    if (lookup->claim.identity == NULL || lookup->claim.device == NULL ||
        !hash((const unsigned char *)identity, strlen(identity), lookup->chosen))
        return false;
    memcpy(lookup->claim.key, key, UE_KEY_LENGTH);
    lookup->claim.role = role;
    return true;
}

static void look_up_rest(struct psk_lookup *lookup);

/* While the handshake pauses: resume it once the look-up is done. */
static void look_up_and_resume(struct psk_lookup *lookup)
{
    look_up_rest(lookup);
    if (lookup->state == PSK_LOOKUP_DONE)
        connection_resume(&lookup->ue->connection);
}

static void accept_record(struct psk_lookup *lookup, const struct store_answer *answer)
{
    static struct log_limit limit_store;
    const struct store_record *record = &answer->record;
    char peer[LOG_ADDRESS_SIZE];

    metrics_observe_since(METRIC_TIME_STORE, lookup->asked_at);
    if (answer->result == STORE_UNAVAILABLE) {
        lookup->outage_metric = METRIC_REFUSED_STORE;
        (void)OPENSSL_strlcpy(lookup->outage, answer->reason, sizeof(lookup->outage));
        metrics_count(METRIC_STORE_ERRORS);
        log_limited(&limit_store, "store", "peer",
                    log_address(peer, &lookup->ue->connection.peer.any), "reason", answer->reason,
                    NULL);
    } else if (answer->result == STORE_OK && choose(lookup, UE_E2E, record->device, record->key)) {
        lookup->claim.ka_id = OPENSSL_strdup(record->ka_id);
        lookup->claim.subject = OPENSSL_strdup(record->subject);
        lookup->claim.naf = OPENSSL_strdup(record->naf);
        if (lookup->claim.ka_id == NULL || lookup->claim.subject == NULL ||
            lookup->claim.naf == NULL)
            lookup->claim.role = UE_NOBODY;
        else
            connection_index(&lookup->ue->connection, record->device, record->subject);
    }
}

static void on_record(void *argument, const struct store_answer *answer)
{
    struct psk_lookup *lookup = argument;

    lookup->store_request = NULL;
    accept_record(lookup, answer);
    look_up_and_resume(lookup);
}

static void accept_key(struct psk_lookup *lookup, const struct source_answer *answer)
{
    static struct log_limit limit_source;
    char peer[LOG_ADDRESS_SIZE];

    metrics_observe_since(METRIC_TIME_SOURCE, lookup->asked_at);
    if (answer->result == SOURCE_REFUSED) {
        (void)OPENSSL_strlcpy(lookup->outage, answer->reason, sizeof(lookup->outage));
        lookup->outage_metric = METRIC_REFUSED_SOURCE;
        log_limited(&limit_source, "source", "peer",
                    log_address(peer, &lookup->ue->connection.peer.any), "identity", lookup->asked,
                    "reason", answer->reason, NULL);
    } else if (answer->result == SOURCE_FOUND &&
               choose(lookup, UE_FIRST, answer->device, answer->ks_naf)) {
        lookup->claim.not_after = answer->not_after;
        connection_index(&lookup->ue->connection, answer->device, lookup->claim.identity);
    }
}

static void on_key(void *argument, const struct source_answer *answer)
{
    struct psk_lookup *lookup = argument;

    lookup->source_request = NULL;
    accept_key(lookup, answer);
    look_up_and_resume(lookup);
}

static void ask_store(struct psk_lookup *lookup, const char *identity)
{
    const struct worker *worker = lookup->ue->connection.worker;
    struct store *store = ue_service(lookup->ue)->endpoint.store;
    struct store_answer now;

    lookup->store_request = store->ops->get(store, worker->loop, identity, on_record, lookup, &now);
    if (lookup->store_request != NULL) {
        lookup->state = PSK_LOOKUP_PENDING;
        return;
    }
    accept_record(lookup, &now);
    store_answer_clear(&now);
}

static void ask_source(struct psk_lookup *lookup, const struct source_query *query)
{
    const struct worker *worker = lookup->ue->connection.worker;
    struct source *source = ue_service(lookup->ue)->naf.source;
    struct source_answer now;

    lookup->source_request = source->ops->lookup(source, worker->loop, query, on_key, lookup, &now);
    if (lookup->source_request != NULL) {
        lookup->state = PSK_LOOKUP_PENDING;
        return;
    }
    accept_key(lookup, &now);
    OPENSSL_cleanse(&now, sizeof(now));
}

/* What the key of a first connection is for; in (D)TLS 1.2 the suite is known by now. */
static void find_ua_protocol(struct psk_lookup *lookup)
{
    const struct ua_protocol_ids *ids = &ue_service(lookup->ue)->naf.ua_protocol_ids;
    const SSL *ssl = lookup->ue->connection.ssl;
    struct ue_claim *claim = &lookup->claim;

    if (ids->by_suite && (SSL_is_dtls(ssl) || ue_is_tls12(lookup->ue)))
        ua_protocol_id_of_suite(claim->ua_protocol_id, dtls_suite_of(ssl));
    else
        memcpy(claim->ua_protocol_id, ids->fixed[identity_system(claim->kind)],
               sizeof(claim->ua_protocol_id));
}

/* Ask the source that may know the next candidate. */
static void ask(struct psk_lookup *lookup)
{
    const char *text = lookup->candidates[lookup->next++].text;
    struct source_query query = {.peer = &lookup->ue->connection.peer.any,
                                 .ua_protocol_id = lookup->claim.ua_protocol_id};

    lookup->asked = text;
    lookup->asked_at = clock_ms();
    if (ue_may_be(lookup->ue, UE_E2E) && store_is_identity(text, strlen(text))) {
        ask_store(lookup, text);
    } else if (ue_may_be(lookup->ue, UE_FIRST) &&
               (query.identity = identity_split(&ue_service(lookup->ue)->naf.identities, text,
                                                &query.kind)) != NULL) {
        lookup->asked = query.identity;
        lookup->claim.kind = query.kind;
        find_ua_protocol(lookup);
        ask_source(lookup, &query);
    }
}

/* Look up the remaining candidates, until one is known or an answer is pending. */
static void look_up_rest(struct psk_lookup *lookup)
{
    lookup->state = PSK_LOOKUP_DONE;
    while (lookup->state == PSK_LOOKUP_DONE && lookup->claim.role == UE_NOBODY &&
           lookup->next < lookup->count)
        ask(lookup);
}

static void add_candidate(struct psk_lookup *lookup, const struct psk_offer *identity)
{
    if (identity->length > TLS13_PSK_IDENTITY_MAX ||
        memchr(identity->octets, '\0', identity->length) != NULL)
        return;
    memcpy(lookup->candidates[lookup->count++].text, identity->octets, identity->length);
}

/* NULL: out of memory. */
static struct psk_lookup *new_lookup(struct ue *ue, const struct psk_offer *offered, size_t count)
{
    struct psk_lookup *lookup = OPENSSL_zalloc(sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->ue = ue;
    for (size_t i = 0; i < count; i++)
        add_candidate(lookup, &offered[i]);
    if (make_decoy(lookup, &offered[0]))
        return lookup;
    psk_lookup_free(lookup);
    return NULL;
}

/* After a HelloRetryRequest: is the identity whose key was found among the offered ones still? */
static bool is_offered_still(const struct psk_lookup *lookup, const struct psk_offer *offered,
                             size_t count)
{
    unsigned char digest[DIGEST_LENGTH];

    for (size_t i = 0; i < count; i++)
        if (hash(offered[i].octets, offered[i].length, digest) &&
            memcmp(digest, lookup->chosen, sizeof(digest)) == 0)
            return true;
    return false;
}

static int look_up(struct ue *ue, const struct psk_offer *offered, size_t count, int *alert)
{
    ue->lookup = new_lookup(ue, offered, count);
    if (ue->lookup == NULL) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    look_up_rest(ue->lookup);
    return ue->lookup->state == PSK_LOOKUP_PENDING ? SSL_CLIENT_HELLO_RETRY
                                                   : SSL_CLIENT_HELLO_SUCCESS;
}

/*
 * A ClientHello of a UE that has no TLS 1.3, where TLS 1.2 is allowed. The rest of the handshake is
 * a job, which can pause for the key: libssl is to be called once more.
 */
static int begin_tls12(struct ue *ue, SSL *ssl, int *alert)
{
    if (!ue_may_be(ue, UE_FIRST)) {
        *alert = SSL_AD_PROTOCOL_VERSION;
        ue->lacks = "it offers no TLS 1.3, and TLS 1.2 is for first connections alone";
        return SSL_CLIENT_HELLO_ERROR;
    }
    if ((SSL_get_mode(ssl) & SSL_MODE_ASYNC) == 0) {
        if (!connection_bound_jobs(ue->connection.worker)) {
            *alert = SSL_AD_INTERNAL_ERROR;
            ue->lacks = "out of memory";
            return SSL_CLIENT_HELLO_ERROR;
        }
        (void)SSL_set_mode(ssl, SSL_MODE_ASYNC);
        return SSL_CLIENT_HELLO_RETRY;
    }
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    ue->lacks = dtls_judge_client_hello(ssl);
    return ue->lacks == NULL ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/* libssl calls it for each ClientHello, and again when the handshake is resumed. */
static int on_client_hello(SSL *ssl, int *alert, void *argument)
{
    struct ue *ue = SSL_get_app_data(ssl);
    struct psk_offer offered[PSK_OFFERS_MAX] = {{NULL, 0}};
    size_t count;

    (void)argument;
    if (SSL_get_min_proto_version(ssl) == TLS1_2_VERSION && !client_hello_offers_tls13(ssl))
        return begin_tls12(ue, ssl, alert);
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    ue->lacks = client_hello_lacks(ssl);
    if (!psk_offers_read(ssl, offered, &count))
        return SSL_CLIENT_HELLO_ERROR;
    if (ue->lookup == NULL)
        return count == 0 ? SSL_CLIENT_HELLO_SUCCESS : look_up(ue, offered, count, alert);
    if (ue->lookup->state == PSK_LOOKUP_PENDING)
        return SSL_CLIENT_HELLO_RETRY;
    return is_offered_still(ue->lookup, offered, count) ? SSL_CLIENT_HELLO_SUCCESS
                                                        : SSL_CLIENT_HELLO_ERROR;
}

/* libssl's callback for each identity in turn, before the binder is checked. */
static int find_session(SSL *ssl, const unsigned char *given, size_t length, SSL_SESSION **session)
{
    const struct ue *ue = SSL_get_app_data(ssl);
    unsigned char digest[DIGEST_LENGTH];

    *session = NULL;
    if (ue->lookup == NULL || !hash(given, length, digest) ||
        memcmp(digest, ue->lookup->chosen, sizeof(digest)) != 0)
        return 1; /* another one */
    *session = tls13_psk_session(ssl, ue->lookup->claim.key, UE_KEY_LENGTH);
    return *session != NULL;
}

/* DTLS 1.2 and TLS 1.2 */

static int on_dtls_client_hello(SSL *ssl, int *alert, void *argument)
{
    struct ue *ue = SSL_get_app_data(ssl);

    (void)argument;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    ue->lacks = dtls_judge_client_hello(ssl);
    return ue->lacks == NULL ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/*
 * libssl's callback for the identity, in a job. Its stack is small, so that the looking up is done
 * outside. Once the connection is at its end there is no lookup, and no key.
 */
static unsigned int find_key(SSL *ssl, const char *identity, unsigned char *key,
                             unsigned int key_max)
{
    struct ue *ue = SSL_get_app_data(ssl);
    const struct psk_offer offered = {(const unsigned char *)identity, strlen(identity)};

    if (key_max < UE_KEY_LENGTH || SSL_version(ssl) == TLS1_3_VERSION ||
        ASYNC_get_current_job() == NULL || ue->lookup != NULL)
        return 0;
    ue->lookup = new_lookup(ue, &offered, 1);
    if (ue->lookup == NULL)
        return 0;
    (void)ASYNC_pause_job();
    if (ue->lookup == NULL)
        return 0;
    memcpy(key, ue->lookup->claim.key, UE_KEY_LENGTH);
    return UE_KEY_LENGTH;
}

bool psk_lookup_find_key(struct connection *connection)
{
    struct psk_lookup *lookup = ((struct ue *)connection)->lookup;

    if (lookup == NULL) /* an engine of libcrypto's paused the job, before a key is wanted */
        return true;
    if (lookup->state == PSK_LOOKUP_PREPARED)
        look_up_rest(lookup);
    return lookup->state == PSK_LOOKUP_DONE;
}

void psk_lookup_set_up_dtls(SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, on_dtls_client_hello, NULL);
    SSL_CTX_set_psk_server_callback(ctx, find_key);
}

void psk_lookup_set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
    SSL_CTX_set_psk_find_session_callback(ctx, find_session);
    if (SSL_CTX_get_min_proto_version(ctx) == TLS1_2_VERSION)
        SSL_CTX_set_psk_server_callback(ctx, find_key);
}

const struct ue_claim *psk_lookup_claim(const struct psk_lookup *lookup)
{
    return &lookup->claim;
}

void psk_lookup_explain(const struct psk_lookup *lookup, struct refusal_facts *facts)
{
    if (lookup == NULL)
        return;
    facts->identity = lookup->asked;
    facts->outage = lookup->outage[0] == '\0' ? NULL : lookup->outage;
    facts->metric = lookup->outage_metric;
}

void psk_lookup_finish(struct psk_lookup *lookup, struct ue_claim *claim)
{
    if (lookup == NULL)
        return;
    *claim = lookup->claim;
    OPENSSL_cleanse(lookup->claim.key, UE_KEY_LENGTH);
    memset(&lookup->claim, 0, sizeof(lookup->claim));
    psk_lookup_free(lookup);
}

void psk_lookup_free(struct psk_lookup *lookup)
{
    const struct ue_service *service;
    struct source *source;
    struct store *store;

    if (lookup == NULL)
        return;
    service = ue_service(lookup->ue);
    source = service->naf.source;
    store = service->endpoint.store;
    if (lookup->source_request != NULL)
        source->ops->cancel(source, lookup->source_request);
    if (lookup->store_request != NULL)
        store->ops->cancel(store, lookup->store_request);
    ue_claim_clear(&lookup->claim);
    OPENSSL_clear_free(lookup, sizeof(*lookup));
}
