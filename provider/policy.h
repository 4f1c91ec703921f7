/*
 * Third-party policy: what openssl.cnf allows this instance of the provider to derive
 *
 * Read once when the provider is loaded, immutable from then on. A policy that cannot be understood
 * does not keep the provider from loading, because a later load by name would come without any: it
 * is kept with its fault, and everything is refused with that text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_POLICY_H
#define AKMA_POLICY_H

#include "policy_keys.h"

#include <openssl/core_dispatch.h>

struct policy;

/* NULL when out of memory. */
struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params);
void policy_free(struct policy *policy);

/* NULL if the policy was understood, else the key, its value and what is expected. */
const char *policy_error(const struct policy *policy);

/* The current policy, one line per key given, in canonical form; or the error. */
const char *policy_text(const struct policy *policy);

/* True if complete inputs are within it. If not, reason names the key, the value and what is
 * allowed. */
bool policy_permits(const struct policy *policy, const struct inputs *inputs,
                    char reason[POLICY_REASON_SIZE]);

#endif
