/*
 * What every driver goes through: each algorithm, with modes, digests and lengths
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct kdf_case cases[CASE_COUNT] = {
    {AKMA_KDF_E2E, "3GPP", "SHA2-256", 32, NULL, false},
    {AKMA_KDF_E2E, "3GPP", "SHA2-256", 100, NULL, false},
    {AKMA_KDF_E2E, "3GPP", "SHA2-384", 48, "?provider=default", false},
    {AKMA_KDF_E2E, "3GPP", "SHA2-512/256", 20, NULL, false},
    {AKMA_KDF_E2E, "3GPP", "SHA3-512", 64, NULL, true},
    {AKMA_KDF_E2E, "HKDF", "SHA2-256", 32, NULL, false},
    {AKMA_KDF_E2E, "HKDF", "SHA2-512", 100, NULL, false},
    {AKMA_KDF_KS_NAF, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_KS_INT_NAF, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_K_AKMA, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_A_TID, NULL, NULL, 16, NULL, false},
    {AKMA_KDF_K_AF, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_KA, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_3GPP, NULL, NULL, 32, NULL, false},
    {AKMA_KDF_3GPP, NULL, NULL, 32, NULL, true},
};

unsigned char case_key[AKMA_KEY_LENGTH] = "0123456789abcdef0123456789ABCDE";
unsigned char case_ka[32] = "a key of the third party's own.";
unsigned char case_long_ka[2000] = "a key that is far longer than it need be";

static OSSL_PARAM octets(const char *name, const void *value, size_t length)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)value, length);
}

static OSSL_PARAM text(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);
}

static OSSL_PARAM *e2e_params(const struct kdf_case *one, OSSL_PARAM *p)
{
    *p++ = one->has_long_ka ? octets(AKMA_PARAM_SECRET, case_long_ka, sizeof(case_long_ka))
                            : octets(AKMA_PARAM_KA, case_ka, sizeof(case_ka));
    *p++ = octets(AKMA_PARAM_REFRESH, "refresh", 7);
    *p++ = text(AKMA_PARAM_USAGE, "usage");
    *p++ = text(AKMA_PARAM_MODE, one->mode);
    *p++ = text(AKMA_PARAM_DIGEST, one->digest);
    if (one->properties != NULL)
        *p++ = text(AKMA_PARAM_PROPERTIES, one->properties);
    return p;
}

void case_params(const struct kdf_case *one, OSSL_PARAM params[CASE_PARAMS_MAX])
{
    static const char naf_id[] = "naf.example.com\x01\x00\x00\x00\x07";
    OSSL_PARAM *p = params;

    *p++ = one->has_long_ka && one->mode == NULL
               ? octets(AKMA_PARAM_KEY, case_long_ka, sizeof(case_long_ka))
               : octets(AKMA_PARAM_KEY, case_key, sizeof(case_key));
    if (one->mode != NULL)
        p = e2e_params(one, p);
    if (strncmp(one->algorithm, "GBA", 3) == 0) {
        *p++ = octets(AKMA_PARAM_RAND, "0123456789abcdef", 16);
        *p++ = text(AKMA_PARAM_IMPI, "user@ims.example.com");
    }
    if (strcmp(one->algorithm, AKMA_KDF_K_AKMA) == 0 ||
        strcmp(one->algorithm, AKMA_KDF_A_TID) == 0) {
        *p++ = text(AKMA_PARAM_SUPI, "234150999999999");
    } else if (strcmp(one->algorithm, AKMA_KDF_KA) == 0) {
        *p++ = text(AKMA_PARAM_DEVICE, "device-7@enterprise.example");
        *p++ = text(AKMA_PARAM_KA_ID, "2027");
    } else if (strcmp(one->algorithm, AKMA_KDF_3GPP) == 0) {
        *p++ = octets(AKMA_PARAM_FC, "\x69", 1);
        *p++ = one->has_long_ka ? octets(AKMA_PARAM_P, case_long_ka, sizeof(case_long_ka))
                                : octets(AKMA_PARAM_P, "one", 3);
        *p++ = octets(AKMA_PARAM_P, "", 0);
    } else {
        *p++ = octets(AKMA_PARAM_NAF_ID, naf_id, sizeof(naf_id) - 1);
    }
    *p = OSSL_PARAM_construct_end();
}

bool load(struct loaded *loaded)
{
    *loaded = (struct loaded){NULL, NULL, NULL};
    loaded->libctx = OSSL_LIB_CTX_new();
    if (loaded->libctx != NULL)
        loaded->base = OSSL_PROVIDER_load(loaded->libctx, "default");
    if (loaded->base != NULL)
        loaded->akma = OSSL_PROVIDER_load(loaded->libctx, AKMA_PROVIDER_NAME);
    return loaded->akma != NULL;
}

void unload(struct loaded *loaded)
{
    if (loaded->akma != NULL)
        (void)OSSL_PROVIDER_unload(loaded->akma);
    if (loaded->base != NULL)
        (void)OSSL_PROVIDER_unload(loaded->base);
    OSSL_LIB_CTX_free(loaded->libctx);
}

OSSL_provider_init_fn *open_module(void)
{
    OSSL_provider_init_fn *init = NULL;
    char path[1000];
    const char *folder = getenv("OPENSSL_MODULES");
    void *module;

    (void)snprintf(path, sizeof(path), "%s/akma.so", folder == NULL ? "." : folder);
    module = dlopen(path, RTLD_NOW);
    if (module == NULL)
        fail("%s", dlerror());
    *(void **)&init = dlsym(module, "OSSL_provider_init");
    return init;
}

_Noreturn void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

void expect_key(EVP_KDF_CTX *ctx, const struct kdf_case *one, const OSSL_PARAM *params,
                const unsigned char *key, const char *what)
{
    unsigned char out[CASE_OUT_MAX];

    if (EVP_KDF_derive(ctx, out, one->length, params) <= 0)
        fail("%s of %s: no key", what, one->algorithm);
    if (memcmp(out, key, one->length) != 0)
        fail("%s of %s: another key", what, one->algorithm);
}
