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
#include <string.h>

static bool set_fault(char fault[MASTER_FAULT_SIZE], const char *what, const char *why)
{
    (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: %s: %s", PRINTABLE_PATH(what),
                   PRINTABLE_PATH(why == NULL ? "out of memory" : why));
    return false;
}

/* All that are loaded; the lock protects the list and the number of tokens that share each. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct token_modules *all;

static void release_list(struct token_modules *modules)
{
    if (modules->list != NULL && modules->list != modules->client.list)
        p11_kit_modules_release(modules->list);
    token_client_unload(&modules->client);
    modules->list = NULL;
    OPENSSL_free(modules->is_initialized);
    modules->is_initialized = NULL;
}

static void release_modules(struct token_modules *modules)
{
    release_list(modules);
    OPENSSL_free(modules->path);
    (void)pthread_mutex_destroy(&modules->logins);
    (void)pthread_rwlock_destroy(&modules->calls);
    OPENSSL_free(modules);
}

static bool load_client(struct token_modules *modules, char fault[MASTER_FAULT_SIZE])
{
    const char *why = token_client_load(&modules->client, modules->path);

    modules->list = why == NULL ? modules->client.list : NULL;
    return why == NULL || set_fault(fault, modules->path, why);
}

/* One library, as a list that p11_kit_modules_release() frees; NULL: fault. */
static CK_FUNCTION_LIST **load_one(const char *path)
{
    CK_FUNCTION_LIST **list = calloc(2, sizeof(CK_FUNCTION_LIST *)); /* p11-kit calls free() */

    if (list != NULL && (list[0] = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL)) == NULL) {
        free(list);
        return NULL;
    }
    return list;
}

static bool load_through_p11_kit(struct token_modules *modules, char fault[MASTER_FAULT_SIZE])
{
    const char *path = modules->path;

    modules->list = path == NULL ? p11_kit_modules_load(NULL, 0) : load_one(path);
    return modules->list != NULL ||
           set_fault(fault, path == NULL ? "p11-kit's configuration" : path, p11_kit_message());
}

static bool load_list(struct token_modules *modules, char fault[MASTER_FAULT_SIZE])
{
    size_t count = 0;

    if (!(token_client_is(modules->path) ? load_client(modules, fault)
                                         : load_through_p11_kit(modules, fault)))
        return false;
    while (modules->list[count] != NULL)
        count++;
    modules->is_initialized = OPENSSL_zalloc((count + 1) * sizeof(*modules->is_initialized));
    if (modules->is_initialized != NULL)
        return true;
    release_list(modules);
    return set_fault(fault, "p11-kit", NULL);
}

/* Does it speak to another process? */
static bool is_client(CK_FUNCTION_LIST *module, const char *path)
{
    char *remote = p11_kit_config_option(module, "remote");
    char *file = p11_kit_config_option(module, "module");
    const bool is = remote != NULL || token_client_is(path) || token_client_is(file);

    free(remote);
    free(file);
    return is;
}

static bool load(struct token_modules *modules, const char *path, char fault[MASTER_FAULT_SIZE])
{
    modules->path = path == NULL ? NULL : OPENSSL_strdup(path);
    if (path != NULL && modules->path == NULL)
        return set_fault(fault, path, NULL);
    if (!load_list(modules, fault))
        return false;
    for (size_t i = 0; modules->list[i] != NULL; i++)
        modules->is_socket = modules->is_socket || is_client(modules->list[i], path);
    return true;
}

/*
 * If the socket breaks during several calls at once, p11-kit leaves some of them waiting for ever.
 * The other process answers one call at a time anyway.
 */
void token_modules_enter(struct token_modules *modules)
{
    (void)(modules->is_socket ? pthread_rwlock_wrlock(&modules->calls)
                              : pthread_rwlock_rdlock(&modules->calls));
}

void token_modules_leave(struct token_modules *modules)
{
    (void)pthread_rwlock_unlock(&modules->calls);
}

static struct token_modules *load_new(const char *path, char fault[MASTER_FAULT_SIZE])
{
    struct token_modules *modules = OPENSSL_zalloc(sizeof(*modules));

    if (modules == NULL) {
        (void)set_fault(fault, "p11-kit", NULL);
        return NULL;
    }
    (void)pthread_rwlock_init(&modules->calls, NULL);
    (void)pthread_mutex_init(&modules->logins, NULL);
    if (load(modules, path, fault))
        return modules;
    release_modules(modules);
    return NULL;
}

static bool is_of(const struct token_modules *modules, const char *path)
{
    return path == NULL || modules->path == NULL ? path == modules->path
                                                 : strcmp(path, modules->path) == 0;
}

/* The path of the library that a URI names; NULL: all libraries in p11-kit's configuration. */
static const char *path_of(const struct token_uri *uri)
{
    const char *path = p11_kit_uri_get_module_path(uri->uri);
    const char *server = secure_getenv("P11_KIT_SERVER_ADDRESS");

    if (path == NULL && server != NULL && server[0] != '\0' &&
        p11_kit_uri_get_module_name(uri->uri) == NULL)
        return TOKEN_CLIENT;
    return path;
}

bool token_modules_load(struct token *token, char fault[MASTER_FAULT_SIZE])
{
    const char *path = path_of(&token->uri);
    struct token_modules *modules;

    p11_kit_be_quiet(); /* what is wrong is said here, filtered */
    (void)pthread_mutex_lock(&lock);
    for (modules = all; modules != NULL && !is_of(modules, path); modules = modules->next)
        continue;
    if (modules == NULL && (modules = load_new(path, fault)) != NULL) {
        modules->next = all;
        all = modules;
    }
    token->modules = modules;
    if (modules != NULL) {
        (void)pthread_mutex_lock(&modules->logins);
        token->next = modules->tokens;
        modules->tokens = token;
        (void)pthread_mutex_unlock(&modules->logins);
    }
    (void)pthread_mutex_unlock(&lock);
    return modules != NULL;
}

static void stop(struct token_modules *modules)
{
    for (size_t i = 0; modules->list != NULL && modules->list[i] != NULL; i++) {
        if (modules->is_initialized[i])
            (void)p11_kit_module_finalize(modules->list[i]);
        modules->is_initialized[i] = false;
    }
}

/* One by one: a library that fails does not stop the others, and is tried again the next time. */
enum master_result token_modules_start(struct token_modules *modules, char fault[MASTER_FAULT_SIZE])
{
    enum master_result result = MASTER_OK;
    size_t started = 0;

    stop(modules);
    if (modules->generation++ > 0 && modules->is_socket)
        release_list(modules); /* token_client.c says why */
    if (modules->list == NULL && !load_list(modules, fault))
        return MASTER_UNAVAILABLE;
    for (size_t i = 0; modules->list[i] != NULL; i++) {
        const CK_RV rv = p11_kit_module_initialize(modules->list[i]);

        modules->is_initialized[i] = rv == CKR_OK;
        started += rv == CKR_OK;
        if (rv != CKR_OK)
            result = token_fault(fault, "C_Initialize", rv);
    }
    return started > 0 ? MASTER_OK : result;
}

void token_modules_unload(struct token *token)
{
    struct token_modules *modules = token->modules, **place = &all;
    struct token **its;

    if (modules == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    (void)pthread_mutex_lock(&modules->logins);
    for (its = &modules->tokens; *its != token; its = &(*its)->next)
        continue;
    *its = token->next;
    (void)pthread_mutex_unlock(&modules->logins);
    if (modules->tokens == NULL) {
        while (*place != modules)
            place = &(*place)->next;
        *place = modules->next;
        stop(modules);
        release_modules(modules);
    }
    (void)pthread_mutex_unlock(&lock);
    token->modules = NULL;
}
