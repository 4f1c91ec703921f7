/*
 * Third-party policy
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef P_H
#define P_H
#include "digests.h"
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
struct policy;
struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params);
void policy_free(struct policy *policy);
const char *policy_error(const struct policy *policy);
const char *policy_text(const struct policy *policy);
#define POLICY_REASON_SIZE 1000
struct policy_inputs {
    enum digest_id digest;
    enum kdf_mode mode;
    size_t ka_length, refresh_length, usage_length;
    bool has_not_after;
};
bool policy_permits_naf(const struct policy *, const unsigned char *naf_id, size_t length,
                        char reason[POLICY_REASON_SIZE]);
bool policy_permits_e2e(const struct policy *, const struct policy_inputs *,
                        char reason[POLICY_REASON_SIZE]);
#endif
