/*
 * The one token that a URI means
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define NO_SLOT ((CK_SLOT_ID)-1) /* p11-kit's: the URI names none */

/* Does a library match: its name, if the URI has one, and its own description? */
static bool is_module(const struct token *token, CK_FUNCTION_LIST *module)
{
    const char *wanted = p11_kit_uri_get_module_name(token->uri.uri);
    char *name = p11_kit_module_get_name(module);
    bool is_it = wanted == NULL || (name != NULL && strcmp(wanted, name) == 0);
    CK_INFO info;

    free(name); /* NOLINT: p11-kit's memory is malloc()'s */
    memset(&info, 0, sizeof(info));
    return is_it && module->C_GetInfo(&info) == CKR_OK &&
           p11_kit_uri_match_module_info(token->uri.uri, &info);
}

static bool is_slot(const struct token *token, const struct token_slot *slot)
{
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(token->uri.uri);
    CK_SLOT_INFO info;

    memset(&info, 0, sizeof(info));
    return (wanted == NO_SLOT || wanted == slot->slot) &&
           slot->module->C_GetSlotInfo(slot->slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(token->uri.uri, &info);
}

static bool is_token(const struct token *token, struct token_slot *slot)
{
    memset(&slot->info, 0, sizeof(slot->info));
    return slot->module->C_GetTokenInfo(slot->slot, &slot->info) == CKR_OK &&
           (slot->info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
           p11_kit_uri_match_token_info(token->uri.uri, &slot->info);
}

/* The slots of a library that have a token in them; NULL: there are none, or memory. */
static CK_SLOT_ID *slots_of(CK_FUNCTION_LIST *module, CK_ULONG *count)
{
    CK_SLOT_ID *slots;

    *count = 0;
    if (module->C_GetSlotList(CK_TRUE, NULL, count) != CKR_OK || *count == 0)
        return NULL;
    slots = OPENSSL_zalloc(*count * sizeof(*slots));
    if (slots != NULL && module->C_GetSlotList(CK_TRUE, slots, count) == CKR_OK)
        return slots;
    OPENSSL_free(slots); /* one was added in between: it is found the next time */
    return NULL;
}

/* How many tokens of a library match; found is the last one. */
static size_t find_in(const struct token *token, CK_FUNCTION_LIST *module, struct token_slot *found)
{
    struct token_slot slot = {.module = module};
    CK_ULONG count = 0;
    CK_SLOT_ID *slots = is_module(token, module) ? slots_of(module, &count) : NULL;
    size_t matches = 0;

    for (CK_ULONG i = 0; slots != NULL && i < count; i++) {
        slot.slot = slots[i];
        if (is_slot(token, &slot) && is_token(token, &slot)) {
            *found = slot;
            matches++;
        }
    }
    OPENSSL_free(slots);
    return matches;
}

enum master_result token_slot_find(const struct token *token, struct token_slot *slot,
                                   char fault[MASTER_FAULT_SIZE])
{
    size_t matches = 0;

    for (size_t i = 0; token->modules->list[i] != NULL; i++)
        if (token->modules->is_initialized[i])
            matches += find_in(token, token->modules->list[i], slot);
    if (matches == 1)
        return MASTER_OK;
    if (matches == 0)
        return master_fault(fault, MASTER_UNAVAILABLE, "pkcs11: there is no such token");
    return master_fault(fault, MASTER_REFUSED,
                        "pkcs11: more than one token is meant: name it by token= or serial=");
}
