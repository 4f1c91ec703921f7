/*
 * Third-party policy: its life, and every check against it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

struct policy {
    bool is_empty; /* no key is given */
    struct policy_setting settings[POLICY_KEY_COUNT];
    char *text;
    char fault[POLICY_REASON_SIZE]; /* empty: none */
};

/* Understand one value; false when out of memory, or with the policy's fault. */
static bool read_value(struct policy *policy, enum policy_key_id id, const char *value)
{
    const struct policy_key *key = &policy_keys[id];
    struct policy_setting *setting = &policy->settings[id];

    if (!key->read(key, setting, value, policy->fault))
        return false;
    setting->text = key->write(key, setting, value);
    policy->is_empty = false;
    return setting->text != NULL;
}

/* Every value given, up to the first that cannot be understood; false when out of memory. */
static bool read_values(struct policy *policy, const char *const values[POLICY_KEY_COUNT])
{
    policy->is_empty = true;
    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++)
        if (values[id] != NULL && !read_value(policy, id, values[id]))
            return policy_error(policy) != NULL;
    return true;
}

static bool write_text(struct policy *policy)
{
    const struct policy_setting *settings = policy->settings;
    size_t size = 1, length = 0;

    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++)
        if (settings[id].text != NULL)
            size += strlen(policy_keys[id].name) + strlen(settings[id].text) + sizeof(" = \n") - 1;
    policy->text = OPENSSL_zalloc(size);
    if (policy->text == NULL)
        return false;
    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++)
        if (settings[id].text != NULL)
            length +=
                (size_t)snprintf(policy->text + length, size - length, "%s%s = %s",
                                 length > 0 ? "\n" : "", policy_keys[id].name, settings[id].text);
    return true;
}

struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params)
{
    struct policy *policy = OPENSSL_zalloc(sizeof(*policy));
    const char *values[POLICY_KEY_COUNT] = {NULL};
    OSSL_PARAM asked[POLICY_KEY_COUNT + 1];

    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++)
        asked[id] =
            OSSL_PARAM_construct_utf8_ptr(policy_keys[id].name, (char **)(uintptr_t)&values[id], 0);
    asked[POLICY_KEY_COUNT] = OSSL_PARAM_construct_end();
    if (policy != NULL && core_get_params(handle, asked) && read_values(policy, values) &&
        write_text(policy))
        return policy;
    policy_free(policy);
    return NULL;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++) {
        OPENSSL_free(policy->settings[id].text);
        OPENSSL_free(policy->settings[id].patterns);
    }
    OPENSSL_free(policy->text);
    OPENSSL_free(policy);
}

const char *policy_error(const struct policy *policy)
{
    return policy->fault[0] == '\0' ? NULL : policy->fault;
}

const char *policy_text(const struct policy *policy)
{
    return policy->fault[0] == '\0' ? policy->text : policy->fault;
}

bool policy_permits(const struct policy *policy, const struct inputs *inputs,
                    char reason[POLICY_REASON_SIZE])
{
    if (policy->is_empty)
        return true;
    for (enum policy_key_id id = 0; id < POLICY_KEY_COUNT; id++) {
        const struct policy_key *key = &policy_keys[id];
        const struct policy_setting *setting = &policy->settings[id];

        if (setting->text != NULL && has_input(inputs->algorithm->taken, key->input) &&
            !key->check(key, setting, inputs, reason))
            return false;
    }
    return true;
}
