/*
 * The third party: finds a device's Ka, derives e2e_key, has the store keep it, makes the flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_issuer.h"

#include "hex.h"
#include "ka/ka_source.h"
#include "net/clock.h"
#include "ops/audit.h"
#include "ops/metrics.h"
#include "server/close_matching.h"
#include "store/store.h"
#include "third_party/key_revocation.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct key_issuer {
    struct key_issuer_setup setup;
};

/* A request under way: it waits for the Ka, then for the store. */
struct asking {
    struct third_party_request request;
    struct key_issuer *issuer;
    struct loop *loop;
    struct ka_request *ka_request;
    struct ka_answer found; /* what the key depends on */
    struct store_request *store_request;
    int64_t asked_at; /* clock_ms(): the store was asked */
    /* of the query, for when the Ka is there */
    char subject[STORE_TEXT_SIZE], naf[STORE_TEXT_SIZE];
    unsigned char ks_naf[THIRD_PARTY_KEY_LENGTH], nonce[NONCE_LENGTH];
    char ua_protocol_id[2 * AKMA_UA_PROTOCOL_ID_LENGTH + 1]; /* in hex */
    int64_t not_after;
    struct e2e e2e; /* a copy of the setup, while the Ka is waited for */
    struct e2e_flag flag;
    third_party_done *done;
    void *argument;
};

static void asking_free(struct asking *asking)
{
    struct ka_source *ka = asking->issuer->setup.ka;

    ka->ops->release(ka, &asking->found);
    e2e_close(&asking->e2e);
    OPENSSL_clear_free(asking, sizeof(*asking));
}

static void cancel(struct third_party_request *request)
{
    struct asking *asking = (struct asking *)request;
    struct ka_source *ka = asking->issuer->setup.ka;
    struct store *store = asking->issuer->setup.store;

    if (asking->ka_request != NULL)
        ka->ops->cancel(ka, asking->ka_request);
    else
        store->ops->cancel(store, asking->store_request);
    asking_free(asking);
}

static struct asking *asking_new(struct key_issuer *issuer, struct loop *loop, void *argument)
{
    struct asking *asking = OPENSSL_zalloc(sizeof(*asking));

    if (asking == NULL)
        return NULL;
    asking->request.cancel = cancel;
    asking->issuer = issuer;
    asking->loop = loop;
    asking->argument = argument;
    return asking;
}

static void ignore(void *argument, const struct store_answer *answer)
{
    (void)argument, (void)answer;
}

/* The store has answered. If the Ka was removed meanwhile, no key of it may stay there.
 */
static void judge_put(const struct asking *asking, const struct store_answer *put,
                      struct third_party_answer *answer)
{
    const struct key_issuer_setup *setup = &asking->issuer->setup;
    const char *ka_id = asking->flag.ka_id;
    struct store_answer ignored;

    metrics_observe_since(METRIC_TIME_STORE, asking->asked_at);
    if (put->result != STORE_OK) {
        metrics_count(METRIC_STORE_ERRORS);
        third_party_answer_set(answer, FLAG_UNSTORED, put->reason);
    } else if (!setup->ka->ops->is_good(setup->ka, &asking->found, asking->subject)) {
        (void)setup->store->ops->consume(setup->store, asking->loop, asking->flag.identity, ignore,
                                         NULL, &ignored);
        store_answer_clear(&ignored);
        third_party_answer_set(answer, FLAG_FAILED, "the Ka was removed");
    } else {
        third_party_answer_set(answer, FLAG_ISSUED, NULL);
        answer->flag = asking->flag;
        audit("key-issued", "key", "e2e_key", "identity", asking->subject, "device",
              asking->found.device, "ka-id", ka_id[0] == '\0' ? NULL : ka_id, "naf", asking->naf,
              "e2e-identity", asking->flag.identity, "ua-protocol-id", asking->ua_protocol_id,
              NULL);
    }
}

static void on_put(void *argument, const struct store_answer *put)
{
    struct asking *asking = argument;
    struct third_party_answer answer;

    judge_put(asking, put, &answer);
    asking->done(asking->argument, &answer);
    asking_free(asking);
}

/* How many milliseconds the key may wait: the third party's time, or until the 3GPP key's last
 * second is over. */
static int64_t lifetime(const struct key_issuer *issuer, int64_t not_after)
{
    const int64_t own = issuer->setup.lifetime;
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return 0;
    if (not_after == 0 || not_after - now.tv_sec >= own)
        return 1000 * own;
    return 1000 * (not_after + 1 - now.tv_sec) - now.tv_nsec / 1000000;
}

/* refresh = the UE's nonce, then ours. */
static bool make_flag(struct e2e_flag *flag, const struct e2e *e2e, const char *ka_id,
                      const unsigned char *nonce)
{
    flag->e2e = true;
    flag->refresh_length = (size_t)2 * NONCE_LENGTH;
    memcpy(flag->refresh, nonce, NONCE_LENGTH);
    (void)snprintf(flag->mode, sizeof(flag->mode), "%s", e2e->mode);
    (void)snprintf(flag->digest, sizeof(flag->digest), "%s", e2e->digest);
    (void)snprintf(flag->usage, sizeof(flag->usage), "%s", e2e->usage);
    (void)snprintf(flag->ka_id, sizeof(flag->ka_id), "%s", ka_id);
    return RAND_bytes(flag->refresh + NONCE_LENGTH, NONCE_LENGTH) > 0;
}

static bool make_record(struct store_record *record, struct asking *asking, const struct e2e *e2e,
                        char reason[E2E_REASON_SIZE])
{
    const struct ka_answer *found = &asking->found;
    const struct e2e_inputs inputs = {
        .ks_naf = asking->ks_naf,
        .ka = found->ka,
        .ka_length = found->ka_length,
        .refresh = asking->flag.refresh,
        .refresh_length = asking->flag.refresh_length,
        .not_after = asking->not_after,
    };

    (void)snprintf(record->device, sizeof(record->device), "%s", found->device);
    (void)snprintf(record->ka_id, sizeof(record->ka_id), "%s", found->ka_id);
    memcpy(record->subject, asking->subject, sizeof(record->subject));
    memcpy(record->naf, asking->naf, sizeof(record->naf));
    record->not_after = asking->not_after;
    record->lifetime = lifetime(asking->issuer, asking->not_after);
    (void)snprintf(reason, E2E_REASON_SIZE, "the 3GPP key is past its not-after");
    if (record->lifetime <= 0 || !e2e_derive(e2e, &inputs, record->key, reason))
        return false;
    (void)snprintf(reason, E2E_REASON_SIZE, "no randomness for an identity");
    if (!store_make_identity(record->identity))
        return false;
    memcpy(asking->flag.identity, record->identity, sizeof(record->identity));
    return true;
}

/* The key, into the store. False: the answer is *now. */
static bool store_key(struct asking *asking, const struct store_record *record,
                      struct third_party_answer *now)
{
    struct store *store = asking->issuer->setup.store;
    struct store_answer stored;

    asking->asked_at = clock_ms();
    asking->store_request = store->ops->put(store, asking->loop, record, on_put, asking, &stored);
    if (asking->store_request == NULL)
        judge_put(asking, &stored, now);
    return asking->store_request != NULL;
}

/* The Ka has been looked up. False: the answer is *now. */
static bool issue(struct asking *asking, const struct e2e *e2e, struct third_party_answer *now)
{
    const struct ka_answer *found = &asking->found;
    struct store_record record = {.lifetime = 0};
    char reason[E2E_REASON_SIZE];
    bool is_pending = false;

    if (found->result == KA_NONE)
        third_party_answer_set(now, FLAG_NO_KA, NULL);
    else if (found->result == KA_UNAVAILABLE)
        third_party_answer_set(now, FLAG_WITHOUT_KA, found->reason);
    else if (!make_flag(&asking->flag, e2e, found->ka_id, asking->nonce))
        third_party_answer_set(now, FLAG_FAILED, "no randomness for a refresh");
    else if (!make_record(&record, asking, e2e, reason))
        third_party_answer_set(now, FLAG_FAILED, reason);
    else
        is_pending = store_key(asking, &record, now);
    OPENSSL_cleanse(&record, sizeof(record));
    return is_pending;
}

static void on_ka(void *argument, const struct ka_answer *found)
{
    struct asking *asking = argument;
    struct third_party_answer answer;

    asking->ka_request = NULL;
    asking->found = *found;
    if (issue(asking, &asking->e2e, &answer))
        return;
    asking->done(asking->argument, &answer);
    asking_free(asking);
}

/* The caller's setup may be gone when the Ka is there. */
static bool keep_setup(struct asking *asking, const struct e2e *e2e)
{
    asking->e2e = *e2e;
    asking->e2e.ctx = EVP_KDF_CTX_dup(e2e->ctx);
    return asking->e2e.ctx != NULL;
}

/* False: the answer is *now. */
static bool look_up(struct asking *asking, const struct third_party_query *asked,
                    const struct e2e *e2e, struct third_party_answer *now)
{
    struct ka_source *ka = asking->issuer->setup.ka;
    const struct ka_query query = {
        .device = asked->device, .identity = asking->subject, .ka_id = asked->ka_id};

    asking->ka_request = ka->ops->lookup(ka, asking->loop, &query, on_ka, asking, &asking->found);
    if (asking->ka_request == NULL)
        return issue(asking, e2e, now);
    if (keep_setup(asking, e2e))
        return true;
    ka->ops->cancel(ka, asking->ka_request);
    third_party_answer_set(now, FLAG_FAILED, "out of memory");
    return false;
}

static void take_query(struct asking *asking, const struct third_party_query *query,
                       const char *naf)
{
    (void)snprintf(asking->subject, sizeof(asking->subject), "%s", query->identity);
    (void)snprintf(asking->naf, sizeof(asking->naf), "%s", naf);
    memcpy(asking->ks_naf, query->ks_naf, sizeof(asking->ks_naf));
    memcpy(asking->nonce, query->nonce, sizeof(asking->nonce));
    (void)hex_encode(asking->ua_protocol_id, query->ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH);
    asking->not_after = query->not_after;
}

struct third_party_request *key_issuer_ask(struct key_issuer *issuer, struct loop *loop,
                                           const struct third_party_query *query,
                                           const struct e2e *e2e, const char *naf,
                                           third_party_done *done, void *argument,
                                           struct third_party_answer *now)
{
    struct asking *asking = asking_new(issuer, loop, argument);

    if (asking == NULL) {
        third_party_answer_set(now, FLAG_FAILED, "out of memory");
        return NULL;
    }
    asking->done = done;
    take_query(asking, query, naf);
    if (look_up(asking, query, e2e, now))
        return &asking->request;
    asking_free(asking);
    return NULL;
}

struct third_party_request *key_issuer_revoke_matching(struct key_issuer *issuer, struct loop *loop,
                                                       const struct store_scope *scope,
                                                       third_party_revoked *done, void *argument,
                                                       struct third_party_revocation *now)
{
    return key_revocation_start(issuer->setup.server, issuer->setup.store, loop, scope, done,
                                argument, now);
}

struct third_party_request *key_issuer_revoke(struct key_issuer *issuer, struct loop *loop,
                                              const char *identity, const char *naf,
                                              third_party_revoked *done, void *argument,
                                              struct third_party_revocation *now)
{
    const struct store_scope scope = {.subject = identity, .naf = naf};

    metrics_count(METRIC_REVOCATIONS);
    if (issuer->setup.forward != NULL)
        issuer->setup.forward(&scope);
    if (server_close_matching(issuer->setup.server, &scope, NULL, NULL))
        return key_issuer_revoke_matching(issuer, loop, &scope, done, argument, now);
    third_party_revocation_set(now, false, "out of memory");
    return NULL;
}

struct key_issuer *key_issuer_new(const struct key_issuer_setup *setup)
{
    struct key_issuer *issuer = OPENSSL_zalloc(sizeof(*issuer));

    if (issuer != NULL)
        issuer->setup = *setup;
    return issuer;
}

void key_issuer_free(struct key_issuer *issuer)
{
    OPENSSL_free(issuer);
}
