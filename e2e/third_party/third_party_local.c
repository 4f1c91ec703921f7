/*
 * The third party of a NAF in the same process, and what every third party's answers share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_issuer.h"

#include <openssl/crypto.h>
#include <stdio.h>

struct third_party_local {
    struct third_party third_party;
    struct key_issuer *issuer;
    const struct e2e *e2e;
    const char *naf;
};

static struct third_party_request *ask(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument,
                                       struct third_party_answer *now)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;

    return key_issuer_ask(local->issuer, loop, query, local->e2e, local->naf, done, argument, now);
}

static struct third_party_request *revoke(struct third_party *third_party, struct loop *loop,
                                          const char *identity, third_party_revoked *done,
                                          void *argument, struct third_party_revocation *now)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;

    return key_issuer_revoke(local->issuer, loop, identity, local->naf, done, argument, now);
}

static void cancel(struct third_party *third_party, struct third_party_request *request)
{
    key_issuer_cancel(((const struct third_party_local *)third_party)->issuer, request);
}

static void local_free(struct third_party *third_party)
{
    OPENSSL_free(third_party);
}

static const struct third_party_ops local_ops = {ask, revoke, cancel, local_free};

struct third_party *third_party_local_new(struct key_issuer *issuer, const struct e2e *e2e,
                                          const char *naf)
{
    struct third_party_local *local = OPENSSL_zalloc(sizeof(*local));

    if (local == NULL)
        return NULL;
    local->third_party.ops = &local_ops;
    local->issuer = issuer;
    local->e2e = e2e;
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

void third_party_revocation_set(struct third_party_revocation *revocation, bool is_done,
                                const char *reason)
{
    revocation->is_done = is_done;
    (void)snprintf(revocation->reason, sizeof(revocation->reason), "%s",
                   reason == NULL ? "" : reason);
}
