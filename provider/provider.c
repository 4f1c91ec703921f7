/*
 * The provider: what OpenSSL sees when it loads the module
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kdf.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER_NAME      "akma: 3GPP application keys (GBA, AKMA) and AKMA-E2E"
#define PROVIDER_BUILDINFO AKMA_VERSION " built for " OPENSSL_VERSION_TEXT

static OSSL_FUNC_provider_teardown_fn provider_teardown;
static OSSL_FUNC_provider_gettable_params_fn provider_gettable_params;
static OSSL_FUNC_provider_get_params_fn provider_get_params;
static OSSL_FUNC_provider_query_operation_fn provider_query_operation;
static OSSL_FUNC_provider_get_reason_strings_fn provider_get_reason_strings;

static const OSSL_PARAM *provider_gettable_params(void *vprovctx)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_NAME, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_VERSION, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_BUILDINFO, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_DEFN(OSSL_PROV_PARAM_STATUS, OSSL_PARAM_INTEGER, NULL, sizeof(int)),
        OSSL_PARAM_DEFN(AKMA_PROVIDER_PARAM_POLICY, OSSL_PARAM_UTF8_PTR, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprovctx;
    return gettable;
}

/* Text that lives as long as the provider: pointed at, or copied if the caller has a buffer. */
static int give_text(OSSL_PARAM params[], const char *name, const char *text)
{
    OSSL_PARAM *wanted = OSSL_PARAM_locate(params, name);

    if (wanted == NULL)
        return 1;
    return wanted->data_type == OSSL_PARAM_UTF8_STRING ? OSSL_PARAM_set_utf8_string(wanted, text)
                                                       : OSSL_PARAM_set_utf8_ptr(wanted, text);
}

static int provider_get_params(void *vprovctx, OSSL_PARAM params[])
{
    const struct provctx *provctx = vprovctx;
    OSSL_PARAM *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

    return give_text(params, OSSL_PROV_PARAM_NAME, PROVIDER_NAME) &&
           give_text(params, OSSL_PROV_PARAM_VERSION, AKMA_VERSION) &&
           give_text(params, OSSL_PROV_PARAM_BUILDINFO, PROVIDER_BUILDINFO) &&
           give_text(params, AKMA_PROVIDER_PARAM_POLICY, policy_text(provctx->policy)) &&
           (status == NULL || OSSL_PARAM_set_int(status, policy_error(provctx->policy) == NULL));
}

static const OSSL_ALGORITHM *provider_query_operation(void *vprovctx, int operation, int *no_cache)
{
    const struct provctx *provctx = vprovctx;

    *no_cache = 0;
    return operation == OSSL_OP_KDF ? provctx->kdfs : NULL;
}

static const OSSL_ITEM *provider_get_reason_strings(void *vprovctx)
{
    (void)vprovctx;
    return error_reasons;
}

static void provider_teardown(void *vprovctx)
{
    struct provctx *provctx = vprovctx;

    prf_source_free(provctx->source); /* before the library context it was fetched from */
    parent_child_free(&provctx->parent, provctx->libctx);
    policy_free(provctx->policy);
    OPENSSL_free(provctx->property);
    OPENSSL_free(provctx);
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))provider_teardown},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))provider_gettable_params},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))provider_get_params},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query_operation},
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))provider_get_reason_strings},
    {0, NULL},
};

/* What we need of the core. */
struct core {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_get_params_fn *get_params;
    struct errors errors;
};

static bool core_read(struct core *core, const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in)
{
    *core = (struct core){.handle = handle, .errors.handle = handle};
    for (; in->function_id != 0; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            core->get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            core->errors.new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_SET_ERROR_DEBUG:
            core->errors.set_debug = OSSL_FUNC_core_set_error_debug(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            core->errors.vset = OSSL_FUNC_core_vset_error(in);
            break;
        default:
            break;
        }
    }
    return core->get_params != NULL && core->errors.new_error != NULL &&
           core->errors.set_debug != NULL && core->errors.vset != NULL;
}

static const char *core_text(const struct core *core, const char *name)
{
    const char *text = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_ptr(name, (char **)(uintptr_t)&text, 0),
        OSSL_PARAM_construct_end(),
    };

    return core->get_params(core->handle, params) ? text : NULL;
}

/* A build belongs to one major version of libcrypto. */
static bool core_is_ours(const struct core *core)
{
    const char *version = core_text(core, OSSL_PROV_PARAM_CORE_VERSION);

    if (version != NULL && strtol(version, NULL, 10) == OPENSSL_VERSION_MAJOR)
        return true;
    RAISE(&core->errors, REASON_CORE,
          "this module is built for OpenSSL %d and was loaded by %.40s: build it for that one",
          OPENSSL_VERSION_MAJOR, version == NULL ? "an unknown version" : version);
    return false;
}

/* May the name be used in a property definition as it is? Else it is quoted. property(7) */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_plain_property_value(const char *name)
{
    return strspn(name, LETTERS) > 0 && name[strspn(name, LETTERS "0123456789_.-")] == '\0';
}

/* "provider=<the name openssl.cnf gives this instance>"; NULL when out of memory. */
static char *make_property(const char *name)
{
    const char *quote = is_plain_property_value(name) ? ""
                        : strchr(name, '\'') == NULL  ? "'"
                                                      : "\"";
    const size_t size = sizeof("provider=''") + strlen(name);
    char *property = OPENSSL_malloc(size);

    if (property != NULL)
        (void)snprintf(property, size, "provider=%s%s%s", quote, name, quote);
    return property;
}

static void make_algorithms(struct provctx *provctx)
{
    for (enum derivation_id id = 0; id < DERIVATION_COUNT; id++) {
        algorithm_init(&provctx->algorithms[id], &derivations[id]);
        provctx->kdfs[id] = (OSSL_ALGORITHM){derivations[id].name, provctx->property,
                                             kdf_dispatch[id], derivations[id].description};
    }
}

static struct provctx *provctx_new(const struct core *core, const OSSL_DISPATCH *in)
{
    struct provctx *provctx = OPENSSL_zalloc(sizeof(*provctx));
    const char *name = core_text(core, OSSL_PROV_PARAM_CORE_PROV_NAME);

    if (provctx == NULL)
        return NULL;
    provctx->errors = core->errors;
    provctx->policy = policy_new(core->handle, core->get_params);
    provctx->libctx = parent_child_new(&provctx->parent, core->handle, in);
    provctx->property = make_property(name == NULL ? AKMA_PROVIDER_NAME : name);
    if (provctx->libctx != NULL)
        provctx->source = prf_source_new(provctx->libctx);
    if (provctx->policy == NULL || provctx->source == NULL || provctx->property == NULL) {
        provider_teardown(provctx);
        return NULL;
    }
    make_algorithms(provctx);
    return provctx;
}

/* The one symbol of the module. */
__attribute__((visibility("default"))) int OSSL_provider_init(const OSSL_CORE_HANDLE *handle,
                                                              const OSSL_DISPATCH *in,
                                                              const OSSL_DISPATCH **out,
                                                              void **provctx)
{
    struct core core;

    if (!core_read(&core, handle, in) || !core_is_ours(&core))
        return 0;
    *provctx = provctx_new(&core, in);
    if (*provctx == NULL) {
        RAISE(&core.errors, REASON_MEMORY, "no memory to load the provider");
        return 0;
    }
    *out = provider_functions;
    return 1;
}
