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

#include "digests.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#define POLICY_REASON_SIZE 1000 /* octets of an error text; longer ones vanish from the stack */

struct policy;

/* NULL when out of memory. */
struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params);
void policy_free(struct policy *policy);

/* NULL of a policy that was understood, else key, value and what is expected. */
const char *policy_error(const struct policy *policy);

/* The policy in force: each key given, canonical, one a line; or the error. */
const char *policy_text(const struct policy *policy);

/* Does it say anything at all? Where not, there is nothing to check. */
bool policy_is_empty(const struct policy *policy);

/* What is about to be derived, for policy_permits_e2e(); lengths in octets. */
struct policy_inputs {
    enum digest_id digest;
    enum kdf_mode mode;
    size_t ka_length, refresh_length, usage_length;
    bool has_not_after;
};

/* Is it within the policy? Where not, reason says which key refuses, what came, what is allowed. */
bool policy_permits_naf(const struct policy *policy, const unsigned char *naf_id, size_t length,
                        char reason[POLICY_REASON_SIZE]);
bool policy_permits_e2e(const struct policy *policy, const struct policy_inputs *inputs,
                        char reason[POLICY_REASON_SIZE]);

#endif
