/*
 * The third party of a NAF in the same process, and what every third party's answers share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_issuer.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

struct third_party_local {
    struct third_party third_party;
    struct key_issuer *issuer;
    const struct naf_setup *setups;
    size_t count;
    const char *naf;
};

static const struct e2e *find_setup(const struct third_party_local *local,
                                    const unsigned char *ua_protocol_id)
{
    for (size_t i = 0; i < local->count; i++)
        if (memcmp(local->setups[i].ua_protocol_id, ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH) ==
            0)
            return &local->setups[i].e2e;
    return NULL;
}

static struct third_party_request *ask(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument,
                                       struct third_party_answer *now)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;
    const struct e2e *e2e = find_setup(local, query->ua_protocol_id);

    if (e2e != NULL)
        return key_issuer_ask(local->issuer, loop, query, e2e, local->naf, done, argument, now);
    third_party_answer_set(now, FLAG_FAILED, "ua-protocol-id: this NAF has no such one");
    return NULL;
}

static struct third_party_request *revoke(struct third_party *third_party, struct loop *loop,
                                          const char *identity, third_party_revoked *done,
                                          void *argument, struct third_party_revocation *now)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;

    return key_issuer_revoke(local->issuer, loop, identity, local->naf, done, argument, now);
}

static void local_free(struct third_party *third_party)
{
    OPENSSL_free(third_party);
}

static const struct third_party_ops local_ops = {ask, revoke, local_free};

struct third_party *third_party_local_new(struct key_issuer *issuer, const struct naf_setup *setups,
                                          size_t count, const char *naf)
{
    struct third_party_local *local = OPENSSL_zalloc(sizeof(*local));

    if (local == NULL)
        return NULL;
    local->third_party.ops = &local_ops;
    local->issuer = issuer;
    local->setups = setups;
    local->count = count;
    local->naf = naf;
    return &local->third_party;
}

void third_party_free(struct third_party *third_party)
{
    if (third_party != NULL)
        third_party->ops->free(third_party);
}

void third_party_answer_set(struct third_party_answer *answer, enum third_party_result result,
                            const char *reason)
{
    answer->result = result;
    answer->flag = (struct e2e_flag){.e2e = false};
    (void)snprintf(answer->reason, sizeof(answer->reason), "%s", reason == NULL ? "" : reason);
}

bool third_party_refuses(enum third_party_result result, enum metric *metric)
{
    static const enum metric metrics[] = {
        [FLAG_FAILED] = METRIC_REFUSED_THIRD_PARTY,
        [FLAG_UNSTORED] = METRIC_REFUSED_STORE,
        [FLAG_WITHOUT_KA] = METRIC_REFUSED_KA,
    };

    if (result < FLAG_FAILED)
        return false;
    *metric = metrics[result];
    return true;
}

void third_party_revocation_set(struct third_party_revocation *revocation, bool is_done,
                                const char *reason)
{
    revocation->is_done = is_done;
    (void)snprintf(revocation->reason, sizeof(revocation->reason), "%s",
                   reason == NULL ? "" : reason);
}
