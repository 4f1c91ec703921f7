/*
 * The store of outstanding e2e keys: what is the same for every backend
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define PREFIX        "e2e-"
#define RANDOM_LENGTH 16
#define IDENTITY_TEXT (STORE_IDENTITY_SIZE - 1)
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)

bool store_make_identity(char identity[STORE_IDENTITY_SIZE])
{
    unsigned char random[RANDOM_LENGTH];

    if (RAND_bytes(random, sizeof(random)) <= 0)
        return false;
    (void)snprintf(identity, STORE_IDENTITY_SIZE, PREFIX);
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(identity + PREFIX_LENGTH + 2 * i, 3, "%02x", random[i]);
    return true;
}

bool store_is_identity(const char *text, size_t length)
{
    return length == IDENTITY_TEXT && memcmp(text, PREFIX, PREFIX_LENGTH) == 0 &&
           strspn(text + PREFIX_LENGTH, "0123456789abcdef") >= length - PREFIX_LENGTH;
}

void store_free(struct store *store)
{
    if (store != NULL)
        store->ops->free(store);
}

void store_answer_set(struct store_answer *answer, enum store_result result, const char *reason)
{
    answer->result = result;
    (void)snprintf(answer->reason, sizeof(answer->reason), "%s", reason == NULL ? "" : reason);
}

void store_answer_clear(struct store_answer *answer)
{
    OPENSSL_cleanse(answer, sizeof(*answer));
}
