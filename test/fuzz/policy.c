/*
 * Fuzz target: policy texts
 *
 * The input is the values of the keys, one per line; a line that starts with '!' leaves its key
 * out. A policy that is understood has a canonical text that is understood again, and gives itself;
 * one that is not says which key, in less than 1000 octets. What it permits or refuses, it does
 * alike both times.
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

/* One set of inputs for each digest, with other lengths and another mode each. */
static bool permits_with(const struct policy *policy, const struct algorithm *algorithm,
                         unsigned int digest)
{
    static const char *const modes[] = {"3GPP", "HKDF"};
    static const struct errors none;
    unsigned char ks_naf[32] = {1}, octets[64] = {2},
                  naf_id[] = "a.iot.example.com\x01\x00\x00\x00\x07";
    char reason[POLICY_REASON_SIZE];
    int64_t not_after = AKMA_NOT_AFTER_MAX;
    const OSSL_PARAM given[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KS_NAF, ks_naf, sizeof(ks_naf)),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KA, octets, 16 + digest),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_NAF_ID, naf_id, sizeof(naf_id) - 1),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_REFRESH, octets, digest),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_DIGEST, (char *)(uintptr_t)digests[digest].name,
                                         0),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_MODE, (char *)(uintptr_t)modes[digest % 2], 0),
        digest > 2 ? OSSL_PARAM_construct_int64(AKMA_PARAM_NOT_AFTER, &not_after)
                   : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    struct inputs inputs;
    struct inputs_undo undo;
    bool permitted;

    inputs_init(&inputs, algorithm);
    want(inputs_begin(&inputs, given, &undo, &none));
    inputs_commit(&inputs, &undo);
    permitted = policy_permits(policy, &inputs, reason);
    want(permitted || strncmp(reason, "policy: ", 8) == 0);
    inputs_free(&inputs);
    return permitted;
}

static int permits(const struct policy *policy)
{
    struct algorithm algorithm;
    int bits = 0;

    algorithm_init(&algorithm, &derivations[DERIVATION_E2E]);
    for (unsigned int digest = 0; digest < DIGEST_COUNT; digest++)
        bits |= permits_with(policy, &algorithm, digest) << digest;
    return bits;
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
