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

/* A policy may forbid the known call; that is no fault of the instance. */
static void check_answer(struct doctor *doctor, const char *instance, const char *query,
                         size_t answer)
{
    EVP_KDF *kdf = EVP_KDF_fetch(doctor->libctx, answers[answer].algorithm, query);
    unsigned char key[32];
    const char *why;

    if (kdf == NULL) {
        (void)report_add(&doctor->report, false, answers[answer].name, instance,
                         "%s is not found with the query %s", answers[answer].algorithm, query);
    } else if (derive(kdf, answers[answer].mode, key)) {
        const bool right = CRYPTO_memcmp(key, answers[answer].key, sizeof(key)) == 0;

        (void)report_add(&doctor->report, right, answers[answer].name, instance, "%s",
                         right ? "right" : "wrong: do not use this module with this libcrypto");
    } else {
        why = doctor_reason();
        (void)report_add(&doctor->report,
                         answers[answer].mode != NULL && strstr(why, "policy: ") != NULL,
                         answers[answer].name, instance, "%s", why);
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

static void check_hmac(struct doctor *doctor)
{
    EVP_MAC *hmac = EVP_MAC_fetch(doctor->libctx, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    const OSSL_PARAM params[] = {text(OSSL_MAC_PARAM_DIGEST, "SHA2-256"),
                                 OSSL_PARAM_construct_end()};
    const bool found = ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) > 0;
    const bool right = found && mac(ctx, ks_naf, sizeof(ks_naf));

    if (!found)
        (void)report_add(&doctor->report, false, "HMAC", NULL,
                         "no provider has it: activate default (or fips) beside akma, with default "
                         "= default_sect in the list of providers and activate = 1 in "
                         "[default_sect]");
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

    ERR_clear_error();
    if (fault != NULL)
        (void)report_add(&doctor->report, false, "query", NULL, "%s: %s", given, fault);
    else if (kdf == NULL)
        (void)report_add(&doctor->report, false, "query", NULL,
                         is_found_but_for_fips(doctor)
                             ? "%s: AKMA-E2E is not found with it, because default_properties ask "
                               "for fips=yes: applications have to ask for provider=<name>,-fips"
                             : "%s: AKMA-E2E is not found with it: provider=<name of an instance> "
                               "is",
                         given);
    else if (active > 1 && (doctor->query == NULL || strstr(doctor->query, "provider=") == NULL))
        (void)report_add(&doctor->report, false, "query", NULL,
                         "%s: %zu instances are active, and which of them derives is not defined: "
                         "applications have to ask for provider=<name>",
                         given, active);
    else
        (void)report_add(&doctor->report, true, "query", NULL, "%s: %s derives", given,
                         OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)));
    EVP_KDF_free(kdf);
}

void doctor_check_derivation(struct doctor *doctor)
{
    size_t active = 0;

    check_hmac(doctor);
    for (size_t i = 0; i < doctor->count; i++) {
        const char *name = doctor->instances[i].name;
        char query[300];

        if (OSSL_PROVIDER_available(doctor->libctx, name) != 1)
            continue;
        active++;
        (void)snprintf(query, sizeof(query), "provider='%.250s',-fips", name);
        for (size_t j = 0; j < sizeof(answers) / sizeof(answers[0]); j++)
            check_answer(doctor, name, query, j);
    }
    check_query(doctor, active);
}
