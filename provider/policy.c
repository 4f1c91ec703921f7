/*
 * Third-party policy
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"
struct policy {
    int x;
};
static struct policy P;
struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params)
{
    (void)handle;
    (void)core_get_params;
    return &P;
}
void policy_free(struct policy *policy)
{
    (void)policy;
}
const char *policy_error(const struct policy *policy)
{
    (void)policy;
    return 0;
}
const char *policy_text(const struct policy *policy)
{
    (void)policy;
    return "";
}
bool policy_permits_naf(const struct policy *p, const unsigned char *naf_id, size_t length,
                        char reason[POLICY_REASON_SIZE])
{
    (void)p;
    (void)naf_id;
    (void)length;
    (void)reason;
    return true;
}
bool policy_permits_e2e(const struct policy *p, const struct policy_inputs *i,
                        char reason[POLICY_REASON_SIZE])
{
    (void)p;
    (void)i;
    (void)reason;
    return true;
}
