/*
 * Where this installation has its module and its configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "places.h"

#include <akma/kdf.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE AKMA_PROVIDER_NAME ".so"
#define CONFIG "akma/openssl.cnf"

/* The folder above the program's own: a prefix, or the build folder. */
static const char *prefix(char room[PLACE_SIZE])
{
    const ssize_t length = readlink("/proc/self/exe", room, PLACE_SIZE - 1);

    if (length <= 0)
        return NULL;
    room[length] = '\0';
    return dirname(dirname(room));
}

/* Is there a file of this name, in a folder or below it? */
static bool is_in(char path[PLACE_SIZE], const char *folder, const char *below, const char *name)
{
    char given[PLACE_SIZE];

    return folder != NULL && folder[0] != '\0' &&
           snprintf(given, sizeof(given), "%s/%s/%s", folder, below, name) < PLACE_SIZE &&
           access(given, R_OK) == 0 && realpath(given, path) != NULL;
}

bool places_module(char path[PLACE_SIZE])
{
    char room[PLACE_SIZE];
    const char *const top = prefix(room);

    return is_in(path, secure_getenv("OPENSSL_MODULES"), ".", MODULE) ||
           is_in(path, OPENSSL_info(OPENSSL_INFO_MODULES_DIR), ".", MODULE) ||
           is_in(path, top, AKMA_MODULES_BELOW, MODULE) || is_in(path, top, ".", MODULE) ||
           is_in(path, AKMA_MODULES_PATH, ".", MODULE);
}

bool places_config(char path[PLACE_SIZE])
{
    char room[PLACE_SIZE];

    return is_in(path, prefix(room), "etc", CONFIG) || is_in(path, AKMA_CONFIG_PATH, ".", CONFIG) ||
           is_in(path, "/etc", ".", CONFIG);
}
