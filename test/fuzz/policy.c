/*
 * Fuzz target: policy texts
 *
 * The input is the values of the keys, one a line; a line that starts with '!' leaves its key out.
 * A policy that is understood has a canonical text that is understood again, and gives itself; one
 * that is not says which key, in less than 1000 octets. What it permits or refuses, it does alike
 * both times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include <akma/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 8

static const char *const names[KEYS] = {
    "allowed-digests", "allowed-modes",     "min-ka-length", "min-refresh-length",
    "require-usage",   "require-not-after", "allowed-nafs",  "allowed-ua-protocols",
};

static char *values[KEYS];

/* As the core does it: each parameter that was configured gets its text. */
static int get_params(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
    (void)handle;
    for (size_t i = 0; i < KEYS; i++) {
        OSSL_PARAM *wanted = OSSL_PARAM_locate(params, names[i]);

        if (wanted != NULL && values[i] != NULL)
            (void)OSSL_PARAM_set_utf8_ptr(wanted, values[i]);
    }
    return 1;
}

/* Split text into the values, in place. */
static void split(char *text)
{
    for (size_t i = 0; i < KEYS; i++) {
        char *end = text == NULL ? NULL : strchr(text, '\n');

        values[i] = text == NULL || text[0] == '!' ? NULL : text;
        if (end != NULL)
            *end++ = '\0';
        text = end;
    }
}

/* The values of a canonical text: "name = value" a line, in the order of the names. */
static void split_canonical(char *text)
{
    for (size_t i = 0; i < KEYS; i++)
        values[i] = NULL;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        for (size_t i = 0; i < KEYS; i++)
            if (strncmp(line, names[i], strlen(names[i])) == 0 && line[strlen(names[i])] == ' ')
                values[i] = line + strlen(names[i]) + strlen(" = ");
}

static void want(int condition)
{
    if (!condition)
        abort();
}

static int permits(const struct policy *policy)
{
    static const unsigned char naf_id[] = "a.iot.example.com\x01\x00\x00\x00\x07";
    char reason[POLICY_REASON_SIZE];
    int bits = 0;

    for (unsigned int digest = 0; digest < DIGEST_COUNT; digest++) {
        const struct policy_inputs inputs = {digest, digest % 2, 16 + digest,
                                             digest, digest,     digest > 2};
        const bool permitted = policy_permits_e2e(policy, &inputs, reason);

        want(permitted || strncmp(reason, "policy: ", 8) == 0);
        bits |= permitted << digest;
    }
    return bits | policy_permits_naf(policy, naf_id, sizeof(naf_id) - 1, reason) << DIGEST_COUNT;
}

static void check_canonical(const struct policy *policy)
{
    char *text = strdup(policy_text(policy));
    struct policy *again;

    split_canonical(text);
    again = policy_new(NULL, get_params);
    want(again != NULL && policy_error(again) == NULL);
    want(strcmp(policy_text(again), policy_text(policy)) == 0);
    want(permits(again) == permits(policy));
    policy_free(again);
    free(text);
}

static void check_fault(const struct policy *policy)
{
    const char *fault = policy_error(policy);

    want(strncmp(fault, "policy: ", 8) == 0 && strlen(fault) < POLICY_REASON_SIZE);
    want(policy_text(policy) == fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct policy *policy;

    split(text);
    policy = policy_new(NULL, get_params);
    want(policy != NULL);
    if (policy_error(policy) == NULL)
        check_canonical(policy);
    else
        check_fault(policy);
    policy_free(policy);
    free(text);
    return 0;
}
