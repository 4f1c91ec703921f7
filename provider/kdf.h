/*
 * The EVP_KDF contract, once for all algorithms
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_KDF_INTERNAL_H
#define AKMA_KDF_INTERNAL_H

#include "provctx.h"

/* The functions of each algorithm, for its OSSL_ALGORITHM. */
extern const OSSL_DISPATCH *const kdf_dispatch[DERIVATION_COUNT];

#endif
