/*
 * akma doctor: HMAC, known answers in both modes, and which instance answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include "property_query.h"

#include <akma/kdf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#define TEXT "akma doctor"

/* No secrets: Ks_NAF is the documents' own, Ka and refresh are 64 and 32 octets that count up. */
static const unsigned char ks_naf[AKMA_KEY_LENGTH] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
};

/* HMAC-SHA-256(Ks_NAF, TEXT). */
static const unsigned char mac_answer[32] = {
    0xF2, 0x2F, 0x4C, 0x49, 0x0C, 0x41, 0xAA, 0x3E, 0x4D, 0x8B, 0x24, 0x9E, 0x44, 0x86, 0xC8, 0xB8,
    0xC8, 0xD8, 0x4D, 0xEB, 0x81, 0xD7, 0x84, 0x85, 0x2C, 0x83, 0x2C, 0xC7, 0x9F, 0xA4, 0x9E, 0x5B};

/* What test/support/reference.py gives. */
static const struct {
    const char *algorithm, *mode, *name;
    unsigned char key[32];
} answers[] = {
    {AKMA_KDF_3GPP, NULL, "known answer of 3GPP-KDF", {0xA4, 0xA7, 0xE0, 0x7E, 0x99, 0x1F, 0x6E,
                                                       0x9D, 0xE8, 0x57, 0x77, 0x1E, 0x9F, 0x4B,
                                                       0x12, 0x1C, 0x2D, 0x69, 0x93, 0x58, 0x9F,
                                                       0x41, 0x4A, 0x5E, 0x76, 0xB4, 0xBD, 0x6E,
                                                       0xCA, 0x3C, 0x16, 0x30}},
    {AKMA_KDF_E2E,
     AKMA_MODE_3GPP,
     "known answer in mode 3GPP",
     {0x4E, 0xCF, 0xDD, 0x77, 0x90, 0x86, 0x69, 0x7B, 0x1B, 0x2A, 0xB4,
      0x6B, 0x14, 0x2F, 0x3C, 0x2E, 0x25, 0x5B, 0x72, 0x8A, 0xCB, 0x42,
      0x1A, 0x36, 0x43, 0xEA, 0xDB, 0xE9, 0xE4, 0x16, 0xB8, 0x32}},
    {AKMA_KDF_E2E,
     AKMA_MODE_HKDF,
     "known answer in mode HKDF",
     {0x56, 0x1C, 0xF1, 0x80, 0xB5, 0xBC, 0xB9, 0xF5, 0xC1, 0x29, 0x91,
      0xF0, 0x11, 0x5A, 0x34, 0x52, 0xDB, 0x10, 0x57, 0x8C, 0x24, 0xBF,
      0x21, 0x2C, 0xAF, 0x4A, 0xA5, 0x76, 0x80, 0xE6, 0x6B, 0xD3}},
};

static OSSL_PARAM octets(const char *name, const void *value, size_t length)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value, length);
}

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);
}

static bool derive(EVP_KDF *kdf, const char *mode, unsigned char key[32])
{
    unsigned char ka[64], refresh[32];
    int64_t not_after = AKMA_NOT_AFTER_MAX;
    OSSL_PARAM e2e[] = {
        octets(AKMA_PARAM_KS_NAF, ks_naf, sizeof(ks_naf)),
        octets(AKMA_PARAM_KA, ka, sizeof(ka)),
        octets(AKMA_PARAM_REFRESH, refresh, sizeof(refresh)),
        text(AKMA_PARAM_NAF_FQDN, "naf.example.com"),
        octets(AKMA_PARAM_UA_PROTOCOL_ID, "\x01\0\0\0\x07", AKMA_UA_PROTOCOL_ID_LENGTH),
        text(AKMA_PARAM_USAGE, TEXT),
        OSSL_PARAM_construct_int64(AKMA_PARAM_NOT_AFTER, &not_after),
        text(AKMA_PARAM_MODE, mode == NULL ? AKMA_DEFAULT_MODE : mode),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM any[] = {
        octets(AKMA_PARAM_KEY, ks_naf, sizeof(ks_naf)),
        octets(AKMA_PARAM_FC, "\x69", 1),
        octets(AKMA_PARAM_P, TEXT, strlen(TEXT)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    bool done;

    for (unsigned int i = 0; i < sizeof(ka); i++)
        ka[i] = (unsigned char)(0xA0 + i);
    for (unsigned int i = 0; i < sizeof(refresh); i++)
        refresh[i] = (unsigned char)i;
    done = ctx != NULL && EVP_KDF_derive(ctx, key, 32, mode == NULL ? any : e2e) > 0;
    EVP_KDF_CTX_free(ctx);
    return done;
}

/* The same call of the same module without a policy. */
static bool is_right_without_policy(const struct doctor *doctor,
                                    const struct doctor_instance *instance, size_t answer)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    unsigned char key[32];
    EVP_KDF *kdf = NULL;
    bool right = false;

    if (libctx != NULL && OSSL_PROVIDER_load(libctx, "default") != NULL &&
        doctor_load_alone(doctor, instance, libctx) != NULL)
        kdf = EVP_KDF_fetch(libctx, answers[answer].algorithm, NULL);
    right = kdf != NULL && derive(kdf, answers[answer].mode, key) &&
            CRYPTO_memcmp(key, answers[answer].key, sizeof(key)) == 0;
    EVP_KDF_free(kdf);
    OSSL_LIB_CTX_free(libctx);
    ERR_clear_error();
    return right;
}

/* A policy may forbid the known call; that is no fault of the instance. */
static void check_answer(struct doctor *doctor, const struct doctor_instance *instance,
                         const char *query, size_t answer)
{
    static const char wrong[] = "wrong: do not use this module with this libcrypto";
    EVP_KDF *kdf = EVP_KDF_fetch(doctor->libctx, answers[answer].algorithm, query);
    struct report *report = &doctor->report;
    const char *const name = answers[answer].name, *why;
    unsigned char key[32];

    if (kdf == NULL) {
        (void)report_add(report, false, name, instance->name, "%s is not found with the query %s",
                         answers[answer].algorithm, query);
    } else if (derive(kdf, answers[answer].mode, key)) {
        const bool right = CRYPTO_memcmp(key, answers[answer].key, sizeof(key)) == 0;

        (void)report_add(report, right, name, instance->name, "%s", right ? "right" : wrong);
    } else {
        why = doctor_reason();
        if (answers[answer].mode == NULL || strstr(why, "policy: ") == NULL)
            (void)report_add(report, false, name, instance->name, "%s", why);
        else if (is_right_without_policy(doctor, instance, answer))
            (void)report_add(report, true, name, instance->name,
                             "right (of the module alone: its policy excludes this call)");
        else
            (void)report_add(report, false, name, instance->name, "%s", wrong);
    }
    EVP_KDF_free(kdf);
    ERR_clear_error();
}

static bool mac(EVP_MAC_CTX *ctx, const unsigned char *key, size_t length)
{
    unsigned char result[32];
    size_t size = 0;
    const bool done = EVP_MAC_init(ctx, key, length, NULL) > 0 &&
                      EVP_MAC_update(ctx, (const unsigned char *)TEXT, strlen(TEXT)) > 0 &&
                      EVP_MAC_final(ctx, result, &size, sizeof(result)) > 0;

    return done && size == sizeof(result) && memcmp(result, mac_answer, sizeof(result)) == 0;
}

/* Is there one, but for these default_properties? */
static bool has_other_hmac(const struct doctor *doctor, const char *properties)
{
    EVP_MAC *hmac = EVP_set_default_properties(doctor->libctx, NULL) == 1
                        ? EVP_MAC_fetch(doctor->libctx, "HMAC", NULL)
                        : NULL;

    (void)EVP_set_default_properties(doctor->libctx, properties);
    EVP_MAC_free(hmac);
    ERR_clear_error();
    return hmac != NULL;
}

/* The first instance that is active; NULL: none is. */
static const char *first_active(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++)
        if (OSSL_PROVIDER_available(doctor->libctx, doctor->instances[i].name) == 1)
            return doctor->instances[i].name;
    return NULL;
}

static void report_no_hmac(struct doctor *doctor)
{
    const struct conf_file *file = &doctor->file;
    const CONF_VALUE *known = conf_file_find(file, "default");
    const char *section = known == NULL ? "akma_default" : known->value;
    const struct doctor_line lines[] = {{section, "activate", "1"},
                                        {file->providers, "default", section}};
    const size_t count = known == NULL && file->providers != NULL ? 2 : 1;
    const char *algorithms =
        file->init == NULL ? NULL : conf_file_value(file, file->init, "alg_section");
    const struct doctor_change change = {DOCTOR_LINE, algorithms, "default_properties", NULL, NULL};
    const char *properties =
        algorithms == NULL ? NULL : conf_file_value(file, algorithms, "default_properties");
    struct doctor_options with = doctor->options;
    char remedy[DOCTOR_REMEDY_SIZE];
    const bool by_options = file->providers == NULL && with.providers[0] != NULL;

    with.with_default = true;
    if (properties != NULL && has_other_hmac(doctor, properties)) {
        (void)report_add(&doctor->report, false, "HMAC", NULL,
                         "no provider has it by default_properties = %.64s in [%.64s]: activate "
                         "one that has, such as fips for fips=yes, or take that line away: %s",
                         properties, algorithms, doctor_do_change(doctor, &change, remedy));
        return;
    }
    (void)report_add(&doctor->report, false, "HMAC", NULL,
                     "no provider has it: activate default (or fips) as well as akma: %s",
                     by_options && first_active(doctor) == NULL ? ""
                     : by_options                               ? doctor_do_again(&with, remedy)
                                  : doctor_do_append(doctor, lines, count, remedy));
}

static bool check_hmac(struct doctor *doctor)
{
    EVP_MAC *hmac = EVP_MAC_fetch(doctor->libctx, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    const OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST, "SHA2-256"),
                                 OSSL_PARAM_construct_end()};
    const bool found = ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) > 0;
    const bool right = found && mac(ctx, ks_naf, sizeof(ks_naf));

    if (!found)
        report_no_hmac(doctor);
    else
        (void)report_add(&doctor->report, right, "HMAC",
                         OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(hmac)), "%s",
                         right ? "gives the right answer" : "gives a wrong answer: do not use it");
    if (right && mac(ctx, NULL, 0))
        (void)report_add(&doctor->report, true, "HMAC again", NULL, "starts again with its key");
    else if (right)
        (void)report_add(&doctor->report, false, "HMAC again", NULL,
                         "does not start again without a key (OpenSSL 3.0.0 to 3.0.2 do so): akma "
                         "gives it the key each time, which is right and slower; update OpenSSL");
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(hmac);
    ERR_clear_error();
    return found;
}

/* With default_properties = fips=yes every provider is asked for what akma does not claim. */
static bool is_found_but_for_fips(const struct doctor *doctor)
{
    char query[600];
    EVP_KDF *kdf;

    (void)snprintf(query, sizeof(query), "%.500s%s-fips",
                   doctor->query == NULL ? "" : doctor->query, doctor->query == NULL ? "" : ",");
    kdf = EVP_KDF_fetch(doctor->libctx, AKMA_KDF_E2E, query);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return kdf != NULL;
}

/* Without a query that names one, OpenSSL picks any of several instances. */
static void check_query(struct doctor *doctor, size_t active)
{
    EVP_KDF *kdf = EVP_KDF_fetch(doctor->libctx, AKMA_KDF_E2E, doctor->query);
    const char *given = doctor->query == NULL ? "none" : doctor->query;
    const char *query = doctor->query == NULL ? "" : doctor->query;
    const char *fault = property_query_fault((const unsigned char *)query, strlen(query));
    const bool is_for_fips = kdf == NULL && is_found_but_for_fips(doctor);
    const char *name = doctor->has_hmac ? first_active(doctor) : NULL;
    struct report *report = &doctor->report;
    struct doctor_options with = doctor->options;
    char remedy[DOCTOR_REMEDY_SIZE], better[DOCTOR_REMEDY_SIZE];

    (void)snprintf(better, sizeof(better), "provider=%.300s%s", name == NULL ? "" : name,
                   is_for_fips ? ",-fips" : "");
    with.query = better;
    ERR_clear_error();
    if (name == NULL)
        ; /* it is said already what is missing */
    else if (fault != NULL)
        (void)report_add(report, false, "query", NULL, "%s: %s: %s", given, fault,
                         doctor_do_again(&with, remedy));
    else if (kdf == NULL)
        (void)report_add(report, false, "query", NULL,
                         "%s: AKMA-E2E is not found with it%s: applications have to ask for "
                         "provider=<name>%s: %s",
                         given, is_for_fips ? ", because default_properties ask for fips=yes" : "",
                         is_for_fips ? ",-fips" : "", doctor_do_again(&with, remedy));
    else if (active > 1 && (doctor->query == NULL || strstr(doctor->query, "provider=") == NULL))
        (void)report_add(report, false, "query", NULL,
                         "%s: %zu instances are active, and which of them derives is not defined: "
                         "applications have to ask for provider=<name>: %s",
                         given, active, doctor_do_again(&with, remedy));
    else
        (void)report_add(report, true, "query", NULL, "%s: %s derives", given,
                         OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)));
    EVP_KDF_free(kdf);
}

void doctor_check_derivation(struct doctor *doctor)
{
    size_t active = 0;

    doctor->has_hmac = check_hmac(doctor);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_instance *instance = &doctor->instances[i];
        char query[300];

        if (OSSL_PROVIDER_available(doctor->libctx, instance->name) != 1)
            continue;
        active++;
        (void)snprintf(query, sizeof(query), "provider='%.250s',-fips", instance->name);
        for (size_t j = 0; j < sizeof(answers) / sizeof(answers[0]); j++)
            check_answer(doctor, instance, query, j);
    }
    check_query(doctor, active);
}
