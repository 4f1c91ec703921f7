/*
 * One EVP_KDF context of the provider's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_CONTEXT_H
#define AKMA_CONTEXT_H

#include "inputs.h"
#include "provctx.h"

struct kdf_ctx {
    const struct provctx *provctx;
    struct prf prf; /* opened when it is first needed */
    struct inputs inputs;
    bool keys_differ; /* Ka and Ks_NAF are known to be two keys */
};

#endif
