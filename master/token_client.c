/*
 * p11-kit's client, which speaks to its server: loaded without p11-kit, so that it can be unloaded
 *
 * If the server accepts a connection and ends before it answers, C_Initialize of the client
 * (p11-kit 0.24 to 0.26) fails and leaves its socket open; the next one overwrites the only
 * reference to it. Unloading the client closes it. p11-kit itself unloads all libraries of a
 * process or none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

bool token_client_is(const char *path)
{
    return path != NULL && strstr(path, TOKEN_CLIENT) != NULL;
}

const char *token_client_load(struct token_client *client, const char *path)
{
    CK_C_GetFunctionList get = NULL;
    char found[PATH_MAX];

    (void)snprintf(found, sizeof(found), "%s%s", path[0] == '/' ? "" : P11_MODULE_PATH "/", path);
    client->library = dlopen(found, RTLD_NOW | RTLD_LOCAL);
    if (client->library == NULL)
        return dlerror();
    *(void **)&get = dlsym(client->library, "C_GetFunctionList");
    if (get != NULL && get(&client->list[0]) == CKR_OK)
        return NULL;
    token_client_unload(client);
    return "C_GetFunctionList: failed";
}

void token_client_unload(struct token_client *client)
{
    if (client->library != NULL)
        (void)dlclose(client->library);
    *client = (struct token_client){.library = NULL};
}
