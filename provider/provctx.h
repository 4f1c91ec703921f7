/*
 * provctx: what one loaded instance of the provider holds, immutable once it is loaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_PROVCTX_H
#define AKMA_PROVCTX_H

#include "algorithm.h"
#include "errors.h"
#include "parent.h"
#include "policy.h"
#include "prf.h"

struct provctx {
    struct errors errors;
    struct parent parent;
    OSSL_LIB_CTX *libctx; /* child of the application's: where HMAC is fetched */
    struct policy *policy;
    struct prf_source *source; /* the one thing that changes, atomically */
    struct algorithm algorithms[DERIVATION_COUNT];
    char *property; /* "provider=<name>" */
    OSSL_ALGORITHM kdfs[DERIVATION_COUNT + 1];
};

#endif
