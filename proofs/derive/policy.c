/*
 * The contract of policy.h: it may refuse anything, with a text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include "asked.h"

#include "proof.h"

struct asked_of_policy asked_of_policy;

const char *policy_error(const struct policy *policy)
{
    (void)policy;
    asked_of_policy.error++;
    return fails() ? "a fault" : NULL;
}

/* It is asked of complete inputs only. */
bool policy_permits(const struct policy *policy, const struct inputs *inputs,
                    char reason[POLICY_REASON_SIZE])
{
    (void)policy;
    CLAIM(inputs_has(inputs, inputs->algorithm->row->key));
    asked_of_policy.permits++;
    reason[0] = '\0';
    return !fails();
}
