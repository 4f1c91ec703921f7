/*
 * The third party: finds a device's Ka, derives e2e_key, has the store keep it, makes the flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_issuer.h"

#include "devices.h"
#include "devices_current.h"
#include "ops/metrics.h"
#include "store/store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct key_issuer {
    struct key_issuer_setup setup;
};

/* A request under way: it waits for the store. */
struct asking {
    struct key_issuer *issuer;
    struct loop *loop;
    const struct devices *devices; /* the version of the file that the Ka is from */
    const struct device *row;
    char subject[STORE_TEXT_SIZE];
    struct store_request *store_request;
    struct close_matching *matching; /* a revocation's, for when the store has answered */
    struct e2e_flag flag;
    third_party_done *done;
    third_party_revoked *revoked;
    void *argument;
};

static struct asking *asking_new(struct key_issuer *issuer, struct loop *loop, void *argument)
{
    struct asking *asking = OPENSSL_zalloc(sizeof(*asking));

    if (asking == NULL)
        return NULL;
    asking->issuer = issuer;
    asking->loop = loop;
    asking->argument = argument;
    return asking;
}

static void asking_free(struct asking *asking)
{
    if (asking == NULL)
        return;
    if (asking->devices != NULL)
        devices_current_release(asking->issuer->setup.devices, asking->devices);
    close_matching_discard(asking->matching);
    OPENSSL_free(asking);
}

static void ignore(void *argument, const struct store_answer *answer)
{
    (void)argument, (void)answer;
}

/* The store holds the key, or does not. A Ka that was removed meanwhile must not leave one there.
 */
static void judge_put(const struct asking *asking, const struct store_answer *put,
                      struct third_party_answer *answer)
{
    const struct key_issuer_setup *setup = &asking->issuer->setup;
    struct store_answer ignored;

    if (put->result != STORE_OK) {
        third_party_answer_set(answer, FLAG_FAILED, put->reason);
    } else if (!devices_current_has_still(setup->devices, asking->devices, asking->row,
                                          asking->subject)) {
        (void)setup->store->ops->consume(setup->store, asking->loop, asking->flag.identity, ignore,
                                         NULL, &ignored);
        store_answer_clear(&ignored);
        third_party_answer_set(answer, FLAG_FAILED, "the Ka was removed");
    } else {
        third_party_answer_set(answer, FLAG_ISSUED, NULL);
        answer->flag = asking->flag;
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

static bool make_record(struct store_record *record, struct asking *asking,
                        const struct third_party_query *query, const struct e2e *e2e,
                        const char *naf, char reason[E2E_REASON_SIZE])
{
    const struct e2e_inputs inputs = {
        .ks_naf = query->ks_naf,
        .ka = asking->row->ka,
        .ka_length = asking->row->ka_length,
        .refresh = asking->flag.refresh,
        .refresh_length = asking->flag.refresh_length,
        .not_after = query->not_after,
    };

    (void)snprintf(record->device, sizeof(record->device), "%s", asking->row->device);
    (void)snprintf(record->ka_id, sizeof(record->ka_id), "%s", asking->row->ka_id);
    (void)snprintf(record->subject, sizeof(record->subject), "%s", query->identity);
    (void)snprintf(record->naf, sizeof(record->naf), "%s", naf);
    record->not_after = query->not_after;
    record->lifetime = lifetime(asking->issuer, query->not_after);
    (void)snprintf(reason, E2E_REASON_SIZE, "the 3GPP key is past its not-after");
    if (record->lifetime <= 0 || !e2e_derive(e2e, &inputs, record->key, reason))
        return false;
    (void)snprintf(reason, E2E_REASON_SIZE, "no randomness for an identity");
    if (!store_make_identity(record->identity))
        return false;
    memcpy(asking->flag.identity, record->identity, sizeof(record->identity));
    return true;
}

/*
 * The Ka of a device: that of the identity's row, where the file has the identity and it is this
 * device's. One whose name is not known, or who is named by the identity, is the identity's.
 */
static const struct device *find_ka(const struct devices *devices,
                                    const struct third_party_query *query)
{
    const char *name = query->device[0] == '\0' ? query->identity : query->device;
    const struct device *row = devices_find(devices, query->identity);

    if (row == NULL || (strcmp(row->device, name) != 0 && strcmp(query->identity, name) != 0))
        row = devices_find_device(devices, name);
    return row == NULL ? NULL : devices_ka(devices, row, NULL);
}

/* The key, into the store. */
static struct third_party_request *put(struct asking *asking, const struct store_record *record,
                                       struct third_party_answer *now)
{
    struct store *store = asking->issuer->setup.store;
    struct store_answer stored;

    asking->store_request = store->ops->put(store, asking->loop, record, on_put, asking, &stored);
    if (asking->store_request != NULL)
        return (struct third_party_request *)asking;
    judge_put(asking, &stored, now);
    asking_free(asking);
    return NULL;
}

struct third_party_request *key_issuer_ask(struct key_issuer *issuer, struct loop *loop,
                                           const struct third_party_query *query,
                                           const struct e2e *e2e, const char *naf,
                                           third_party_done *done, void *argument,
                                           struct third_party_answer *now)
{
    struct asking *asking = asking_new(issuer, loop, argument);
    char reason[E2E_REASON_SIZE];
    struct store_record record = {.lifetime = 0};
    struct third_party_request *request = NULL;

    if (asking == NULL) {
        third_party_answer_set(now, FLAG_FAILED, "out of memory");
        return NULL;
    }
    asking->done = done;
    asking->devices = devices_current_acquire(issuer->setup.devices);
    asking->row = find_ka(asking->devices, query);
    (void)snprintf(asking->subject, sizeof(asking->subject), "%s", query->identity);
    if (asking->row == NULL) {
        third_party_answer_set(now, FLAG_NO_KA, NULL);
        asking_free(asking);
    } else if (!make_flag(&asking->flag, e2e, asking->row->ka_id, query->nonce)) {
        third_party_answer_set(now, FLAG_FAILED, "no randomness for a refresh");
        asking_free(asking);
    } else if (!make_record(&record, asking, query, e2e, naf, reason)) {
        third_party_answer_set(now, FLAG_FAILED, reason);
        asking_free(asking);
    } else {
        request = put(asking, &record, now);
    }
    OPENSSL_cleanse(&record, sizeof(record));
    return request;
}

/* The store has answered: connections on the keys end, whatever it says. */
static void end_matching(struct asking *asking, const struct store_answer *voided,
                         struct third_party_revocation *revocation)
{
    close_matching_run(asking->issuer->setup.server, asking->matching);
    asking->matching = NULL;
    third_party_revocation_set(revocation, voided->result == STORE_OK, voided->reason);
}

static void on_voided(void *argument, const struct store_answer *voided)
{
    struct asking *asking = argument;
    struct third_party_revocation revocation;

    end_matching(asking, voided, &revocation);
    asking->revoked(asking->argument, &revocation);
    asking_free(asking);
}

/*
 * Until a shared store has done it another loop may take one of these keys: hence the end that
 * follows its answer.
 */
struct third_party_request *key_issuer_void(struct key_issuer *issuer, struct loop *loop,
                                            const struct store_scope *scope,
                                            third_party_revoked *done, void *argument,
                                            struct third_party_revocation *now)
{
    struct store *store = issuer->setup.store;
    struct asking *asking = asking_new(issuer, loop, argument);
    struct store_answer voided;

    if (asking != NULL)
        asking->matching = close_matching_prepare(issuer->setup.server, scope);
    if (asking == NULL || asking->matching == NULL) {
        asking_free(asking);
        third_party_revocation_set(now, false, "out of memory");
        return NULL;
    }
    asking->revoked = done;
    asking->store_request = store->ops->revoke(store, loop, scope, on_voided, asking, &voided);
    if (asking->store_request != NULL)
        return (struct third_party_request *)asking;
    end_matching(asking, &voided, now);
    asking_free(asking);
    return NULL;
}

struct third_party_request *key_issuer_revoke(struct key_issuer *issuer, struct loop *loop,
                                              const char *identity, const char *naf,
                                              third_party_revoked *done, void *argument,
                                              struct third_party_revocation *now)
{
    const struct store_scope scope = {.subject = identity, .naf = naf};

    metrics_count(METRIC_REVOCATIONS);
    if (server_close_matching(issuer->setup.server, &scope, NULL, NULL))
        return key_issuer_void(issuer, loop, &scope, done, argument, now);
    third_party_revocation_set(now, false, "out of memory");
    return NULL;
}

void key_issuer_cancel(struct key_issuer *issuer, struct third_party_request *request)
{
    struct asking *asking = (struct asking *)request;
    struct store *store = issuer->setup.store;

    store->ops->cancel(store, asking->store_request);
    asking_free(asking);
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
