/*
 * The third party of a NAF in the same process
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/key_issuer.h"

#include <openssl/crypto.h>

struct third_party_local {
    struct third_party third_party;
    struct key_issuer *issuer;
    const struct e2e *e2e;
    const char *naf;
};

static struct third_party_request *ask(struct third_party *third_party, struct loop *loop,
                                       const struct third_party_query *query,
                                       third_party_done *done, void *argument)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;

    return key_issuer_ask(local->issuer, loop, query, local->e2e, local->naf, done, argument);
}

static struct third_party_request *revoke(struct third_party *third_party, struct loop *loop,
                                          const char *identity, third_party_revoked *done,
                                          void *argument)
{
    const struct third_party_local *local = (const struct third_party_local *)third_party;

    return key_issuer_revoke(local->issuer, loop, identity, local->naf, done, argument);
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
