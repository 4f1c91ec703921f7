/*
 * A private library context with the akma module; see the header
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "module.h"

#include <akma/kdf.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdio.h>

/* The oldest error names the cause: the file's line, or the dynamic linker's own words. */
static void give_reason(char reason[MODULE_REASON_SIZE], const char *what)
{
    const char *data = NULL;
    int flags = 0;

    (void)ERR_peek_error_data(&data, &flags);
    (void)snprintf(reason, MODULE_REASON_SIZE, "%s: %s", what,
                   (flags & ERR_TXT_STRING) != 0 ? data : "no reason given");
}

static bool has_module(OSSL_LIB_CTX *libctx)
{
    EVP_KDF *kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);

    EVP_KDF_free(kdf);
    ERR_clear_error();
    return kdf != NULL;
}

static bool read_configuration(OSSL_LIB_CTX *libctx)
{
    return CONF_modules_load_file_ex(libctx, NULL, NULL, CONF_MFLAGS_IGNORE_MISSING_FILE) > 0;
}

static bool load(struct module *module)
{
    module->loaded = OSSL_PROVIDER_try_load(module->libctx, "akma", 1);
    return module->loaded != NULL;
}

bool module_open(struct module *module, char reason[MODULE_REASON_SIZE])
{
    bool done = false;

    *module = (struct module){.libctx = OSSL_LIB_CTX_new()};
    ERR_clear_error();
    if (module->libctx == NULL || !read_configuration(module->libctx))
        give_reason(reason, "OpenSSL's configuration (OPENSSL_CONF) cannot be read");
    else if (!has_module(module->libctx) && !load(module))
        give_reason(reason, "akma.so cannot be loaded (OPENSSL_MODULES)");
    else
        done = true;
    ERR_clear_error();
    return done;
}

void module_close(struct module *module)
{
    if (module->loaded != NULL)
        (void)OSSL_PROVIDER_unload(module->loaded);
    OSSL_LIB_CTX_free(module->libctx);
    *module = (struct module){.libctx = NULL};
}
