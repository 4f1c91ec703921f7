/*
 * The login to a token: a PIN is tried once
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include <string.h>

/* What a person has to check before any PIN is tried. */
static const struct {
    CK_FLAGS flag;
    const char *what;
} locks[] = {
    {CKF_USER_PIN_LOCKED,
     "pkcs11: the token's PIN is locked: its security officer can set a new one"},
    {CKF_USER_PIN_FINAL_TRY,
     "pkcs11: one more wrong PIN locks the token, so none is tried: log in to it once by its own "
     "tools"},
};

/* Is it the PIN that is wrong, rather than the token? */
static bool is_of_pin(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED || rv == CKR_PIN_LOCKED || rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static enum master_result refuse(char fault[MASTER_FAULT_SIZE], const char *what)
{
    return master_fault(fault, MASTER_REFUSED, what);
}

static bool is_same(const CK_TOKEN_INFO *one, const CK_TOKEN_INFO *other)
{
    return memcmp(one->serialNumber, other->serialNumber, sizeof(one->serialNumber)) == 0 &&
           memcmp(one->label, other->label, sizeof(one->label)) == 0 &&
           memcmp(one->model, other->model, sizeof(one->model)) == 0 &&
           memcmp(one->manufacturerID, other->manufacturerID, sizeof(one->manufacturerID)) == 0;
}

/* A token has one PIN for all its keys. */
static bool has_failed(const struct token *token, const struct token_slot *slot)
{
    for (const struct token *each = token->modules->tokens; each != NULL; each = each->next)
        if (each->login.has_failed && (each == token || is_same(&each->login.info, &slot->info)))
            return true;
    return false;
}

static enum master_result log_in(struct token *token, const struct token_slot *slot,
                                 CK_SESSION_HANDLE session, char fault[MASTER_FAULT_SIZE])
{
    const bool has_pad = (slot->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
    struct token_login *login = &token->login;
    CK_RV rv;

    if (has_failed(token, slot))
        return refuse(fault, "pkcs11: the PIN was wrong, and is not tried again");
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
        if ((slot->info.flags & locks[i].flag) != 0)
            return refuse(fault, locks[i].what);
    if (login->pin.octets == NULL && !has_pad)
        return refuse(fault,
                      "pkcs11: the token wants a PIN: give --ka-pin, or pin-source= in the URI");
    rv = slot->module->C_Login(session, CKU_USER, login->pin.octets, login->pin.length);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return MASTER_OK;
    if (!is_of_pin(rv))
        return token_fault(fault, "C_Login", rv);
    login->has_failed = true;
    login->info = slot->info;
    secret_free(&login->pin);
    (void)token_fault(fault, "the PIN, which is not tried again", rv);
    return MASTER_REFUSED;
}

enum master_result token_log_in(struct token *token, const struct token_slot *slot,
                                CK_SESSION_HANDLE session, char fault[MASTER_FAULT_SIZE])
{
    enum master_result result;

    if ((slot->info.flags & CKF_LOGIN_REQUIRED) == 0)
        return MASTER_OK;
    (void)pthread_mutex_lock(&token->modules->logins);
    result = log_in(token, slot, session, fault);
    (void)pthread_mutex_unlock(&token->modules->logins);
    return result;
}
