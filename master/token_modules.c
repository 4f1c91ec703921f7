/*
 * PKCS#11 libraries, loaded and initialised through p11-kit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENT "p11-kit-client.so" /* p11-kit's own, which speaks to its server */

static bool wrong(char fault[MASTER_FAULT_SIZE], const char *what, const char *why)
{
    (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: %s: %s", PRINTABLE_PATH(what),
                   PRINTABLE_PATH(why == NULL ? "out of memory" : why));
    return false;
}

static bool load_one(struct token_modules *modules, const char *path, char fault[MASTER_FAULT_SIZE])
{
    modules->list = OPENSSL_zalloc(sizeof(CK_FUNCTION_LIST *[2]));
    if (modules->list == NULL)
        return wrong(fault, path, NULL);
    modules->is_one = true;
    modules->list[0] = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
    return modules->list[0] != NULL || wrong(fault, path, p11_kit_message());
}

bool token_modules_load(struct token_modules *modules, const struct token_uri *uri,
                        char fault[MASTER_FAULT_SIZE])
{
    const char *path = p11_kit_uri_get_module_path(uri->uri);
    const char *server = secure_getenv("P11_KIT_SERVER_ADDRESS");

    p11_kit_be_quiet(); /* what is wrong is said here, filtered */
    if (path != NULL)
        return load_one(modules, path, fault);
    if (server != NULL && server[0] != '\0' && p11_kit_uri_get_module_name(uri->uri) == NULL)
        return load_one(modules, CLIENT, fault);
    modules->list = p11_kit_modules_load(NULL, 0);
    return modules->list != NULL || wrong(fault, "p11-kit's configuration", p11_kit_message());
}

static void stop(struct token_modules *modules)
{
    for (size_t i = 0; modules->list != NULL && modules->list[i] != NULL; i++)
        if (modules->is_initialized)
            (void)p11_kit_module_finalize(modules->list[i]);
    modules->is_initialized = false;
}

enum master_result token_modules_start(struct token_modules *modules, char fault[MASTER_FAULT_SIZE])
{
    CK_RV rv;

    stop(modules);
    if (modules->is_one)
        rv = p11_kit_module_initialize(modules->list[0]);
    else
        rv = p11_kit_modules_initialize(modules->list, NULL);
    modules->is_initialized = rv == CKR_OK;
    return rv == CKR_OK ? MASTER_OK : token_fault(fault, "C_Initialize", rv);
}

void token_modules_unload(struct token_modules *modules)
{
    stop(modules);
    if (modules->list != NULL && modules->is_one) {
        if (modules->list[0] != NULL)
            p11_kit_module_release(modules->list[0]);
        OPENSSL_free(modules->list);
    } else if (modules->list != NULL) {
        p11_kit_modules_release(modules->list);
    }
    *modules = (struct token_modules){.list = NULL};
}
