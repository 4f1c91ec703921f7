/*
 * The third party of a NAF in the same process
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "third_party/flagger.h"

#include <openssl/crypto.h>

struct flags_local {
    struct flags flags;
    struct flagger *flagger;
    const struct e2e *e2e;
    const char *naf;
};

static struct flags_request *ask(struct flags *flags, struct loop *loop,
                                 const struct flags_query *query, flags_done *done, void *argument)
{
    const struct flags_local *local = (const struct flags_local *)flags;

    return flagger_ask(local->flagger, loop, query, local->e2e, local->naf, done, argument);
}

static struct flags_request *revoke(struct flags *flags, struct loop *loop, const char *identity,
                                    flags_revoked *done, void *argument)
{
    const struct flags_local *local = (const struct flags_local *)flags;

    return flagger_revoke(local->flagger, loop, identity, local->naf, done, argument);
}

static void cancel(struct flags *flags, struct flags_request *request)
{
    flagger_cancel(((const struct flags_local *)flags)->flagger, request);
}

static void release(struct flags *flags)
{
    OPENSSL_free(flags);
}

static const struct flags_ops local_ops = {ask, revoke, cancel, release};

struct flags *flags_local_new(struct flagger *flagger, const struct e2e *e2e, const char *naf)
{
    struct flags_local *local = OPENSSL_zalloc(sizeof(*local));

    if (local == NULL)
        return NULL;
    local->flags.ops = &local_ops;
    local->flagger = flagger;
    local->e2e = e2e;
    local->naf = naf;
    return &local->flags;
}

void flags_free(struct flags *flags)
{
    if (flags != NULL)
        flags->ops->free(flags);
}
