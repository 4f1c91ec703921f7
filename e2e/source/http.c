/*
 * HTTPS requests that block nobody: libcurl's multi interface on a loop of libevent
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/http_transfer.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Memory that curl releases has held tokens and keys. */

static void cleanse_free(void *memory)
{
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

static void *cleanse_realloc(void *memory, size_t size)
{
    const size_t before = memory == NULL ? 0 : malloc_usable_size(memory);
    void *moved = malloc(size);

    if (moved == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(moved, memory, before < size ? before : size);
    cleanse_free(memory);
    return moved;
}

bool http_start(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, cleanse_free, cleanse_realloc, strdup,
                                calloc) == CURLE_OK;
}

void http_use_identity(struct http *http, struct tls_files *identity)
{
    tls_files_free(http->identity);
    http->identity = identity;
}

struct http *http_new(struct loop *loop, struct tls_files *identity, const char *user_agent)
{
    struct http *http = OPENSSL_zalloc(sizeof(*http));

    if (http == NULL) {
        tls_files_free(identity);
        return NULL;
    }
    http->loop = loop;
    http->identity = identity;
    http->user_agent = user_agent;
    LIST_INIT(&http->pools);
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    while (http->transfers != NULL)
        transfer_free(http->transfers);
    while (!LIST_EMPTY(&http->pools))
        http_pool_free(LIST_FIRST(&http->pools));
    tls_files_free(http->identity);
    OPENSSL_free(http);
}
