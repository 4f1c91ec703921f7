/*
 * core - the module meets cores that are not as they should be: none of them gets it loaded
 *
 * A core that lacks what the module needs, that is of another major version, or that cannot say
 * which it is. And cores with odd names for it: the property that its algorithms carry is one that
 * property queries can name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cases.h"

#include <openssl/core_names.h>
#include <openssl/opensslv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static OSSL_FUNC_core_get_params_fn get_params;
static OSSL_FUNC_core_new_error_fn new_error;
static OSSL_FUNC_core_set_error_debug_fn set_debug;
static OSSL_FUNC_core_vset_error_fn vset_error;

/* What this core answers; NULL: nothing. */
static const char *version, *name;
static bool fails;

static char said[1024]; /* the newest error */

static int get_params(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
    OSSL_PARAM *wanted_version = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_CORE_VERSION);
    OSSL_PARAM *wanted_name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_CORE_PROV_NAME);

    (void)handle;
    if (wanted_version != NULL && version != NULL)
        (void)OSSL_PARAM_set_utf8_ptr(wanted_version, version);
    if (wanted_name != NULL && name != NULL)
        (void)OSSL_PARAM_set_utf8_ptr(wanted_name, name);
    return !fails;
}

static void new_error(const OSSL_CORE_HANDLE *handle)
{
    (void)handle;
    said[0] = '\0';
}

static void set_debug(const OSSL_CORE_HANDLE *handle, const char *file, int line,
                      const char *function)
{
    (void)handle, (void)file, (void)line, (void)function;
}

__attribute__((format(printf, 3, 0))) static void
vset_error(const OSSL_CORE_HANDLE *handle, uint32_t reason, const char *format, va_list arguments)
{
    (void)handle, (void)reason;
    (void)vsnprintf(said, sizeof(said), format, arguments);
}

static const OSSL_DISPATCH needed[] = {
    {OSSL_FUNC_CORE_GET_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_CORE_NEW_ERROR, (void (*)(void))new_error},
    {OSSL_FUNC_CORE_SET_ERROR_DEBUG, (void (*)(void))set_debug},
    {OSSL_FUNC_CORE_VSET_ERROR, (void (*)(void))vset_error},
};

#define NEEDED (sizeof(needed) / sizeof(needed[0]))

static OSSL_provider_init_fn *init;

static bool starts(const OSSL_DISPATCH *in)
{
    static int handle;
    const OSSL_DISPATCH *out = NULL;
    void *provctx = NULL;

    return init((const OSSL_CORE_HANDLE *)&handle, in, &out, &provctx) != 0;
}

/* All that is needed, but for one. */
static void leave_out(size_t missing)
{
    OSSL_DISPATCH in[NEEDED + 2] = {{77, NULL}};
    size_t n = 1;

    for (size_t i = 0; i < NEEDED; i++)
        if (i != missing)
            in[n++] = needed[i];
    in[n] = (OSSL_DISPATCH){0, NULL};
    if (starts(in))
        fail("started without core function %zu", missing);
}

static void expect_refusal(const char *what)
{
    const OSSL_DISPATCH in[] = {needed[0], needed[1], needed[2], needed[3], {0, NULL}};

    if (starts(in))
        fail("%s: started", what);
    if (strstr(said, "built for OpenSSL") == NULL)
        fail("%s: said \"%s\"", what, said);
}

/* A real core, with the module under an odd name. */
static void use_name(const char *odd, const char *query)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider;
    EVP_KDF *kdf;

    if (!OSSL_PROVIDER_add_builtin(libctx, odd, init))
        fail("add_builtin");
    provider = OSSL_PROVIDER_load(libctx, odd);
    kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, query);
    if (provider == NULL || kdf == NULL)
        fail("%s: not found by %s", odd, query);
    EVP_KDF_free(kdf);
    (void)OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(libctx);
}

int main(void)
{
    init = open_module();
    version = OPENSSL_VERSION_STR;
    for (size_t i = 0; i < NEEDED; i++)
        leave_out(i);
    version = NULL;
    expect_refusal("a core without a version");
    version = OPENSSL_VERSION_MAJOR == 3 ? "4.0.0" : "3.0.0";
    expect_refusal("a core of another major version");
    version = "";
    expect_refusal("a core of an empty version");
    version = OPENSSL_VERSION_STR;
    fails = true;
    expect_refusal("a core that fails");

    use_name("akma", "provider=akma");
    use_name("3rd", "provider='3rd'");
    use_name("o'brien", "provider=\"o'brien\"");
    use_name("two words", "provider='two words'");
    return EXIT_SUCCESS;
}
