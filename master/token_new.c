/*
 * A new master secret, made in a token and never outside of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include "ka_string.h"

#include <openssl/crypto.h>
#include <string.h>

/* The new key's name and id, as the URI says; false: it has no name. */
static bool name_of(const struct token *token, CK_ATTRIBUTE *label, CK_ATTRIBUTE *id,
                    char fault[MASTER_FAULT_SIZE])
{
    const CK_ATTRIBUTE *uri_label = p11_kit_uri_get_attribute(token->uri.uri, CKA_LABEL);
    const CK_ATTRIBUTE *uri_id = p11_kit_uri_get_attribute(token->uri.uri, CKA_ID);

    if (uri_label == NULL || uri_label->ulValueLen == 0) {
        (void)master_fault(fault, MASTER_REFUSED,
                           "pkcs11: a new key needs a name: give object= in the URI");
        return false;
    }
    *label = *uri_label;
    *id = uri_id == NULL ? *uri_label : *uri_id; /* some tools find keys by CKA_ID alone */
    id->type = CKA_ID;
    return true;
}

static enum master_result generate(const struct token *token, struct token_session *session,
                                   char fault[MASTER_FAULT_SIZE])
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG length = MASTER_KA_LENGTH;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_VALUE_LEN, &length, sizeof(length)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_SIGN, &yes, sizeof(yes)},
        {CKA_VERIFY, &no, sizeof(no)},
        {CKA_ENCRYPT, &no, sizeof(no)},
        {CKA_DECRYPT, &no, sizeof(no)},
        {CKA_WRAP, &no, sizeof(no)},
        {CKA_UNWRAP, &no, sizeof(no)},
        {CKA_DERIVE, &no, sizeof(no)},
        {CKA_LABEL, NULL, 0},
        {CKA_ID, NULL, 0},
    };
    const CK_ULONG count = sizeof(template) / sizeof(template[0]);
    CK_RV rv;

    if (!name_of(token, &template[count - 2], &template[count - 1], fault))
        return MASTER_REFUSED;
    rv =
        session->module->C_GenerateKey(session->handle, &mechanism, template, count, &session->key);
    return rv == CKR_OK ? MASTER_OK : token_fault(fault, "C_GenerateKey", rv);
}

/* The key must have the requested attributes and give the same HMAC twice; else it is destroyed. */
static enum master_result prove(struct token_session *session, char fault[MASTER_FAULT_SIZE])
{
    unsigned char s[KA_STRING_MAX], once[MASTER_KA_LENGTH], twice[MASTER_KA_LENGTH];
    const char *nothing;
    const size_t length = ka_string(s, "", "", &nothing);
    enum master_result result = token_key_is_fit(session, fault);

    if (result == MASTER_OK)
        result = token_sign(session, s, length, once, fault);
    if (result == MASTER_OK)
        result = token_sign(session, s, length, twice, fault);
    if (result == MASTER_OK && CRYPTO_memcmp(once, twice, sizeof(once)) != 0)
        result = master_fault(fault, MASTER_REFUSED,
                              "pkcs11: the token is wrong: one HMAC, two "
                              "results");
    if (result != MASTER_OK)
        (void)session->module->C_DestroyObject(session->handle, session->key);
    OPENSSL_cleanse(once, sizeof(once));
    OPENSSL_cleanse(twice, sizeof(twice));
    return result;
}

static enum master_result make(struct token *token, struct token_session *session,
                               char fault[MASTER_FAULT_SIZE])
{
    CK_ULONG count = 0;
    enum master_result result = token_key_count(token, session, &session->key, &count, fault);

    if (result != MASTER_OK)
        return result;
    if (count > 0)
        return master_fault(fault, MASTER_REFUSED,
                            "pkcs11: there is such a key already, and it is not replaced: give "
                            "another object=");
    result = generate(token, session, fault);
    return result == MASTER_OK ? prove(session, fault) : result;
}

bool master_token_make(struct master *master, char fault[MASTER_FAULT_SIZE])
{
    struct token *token = (struct token *)master;
    struct token_session session = {.module = NULL};
    struct token_slot slot;
    enum master_result result = token_modules_start(token->modules, fault);
    CK_RV rv;

    if (result == MASTER_OK)
        result = token_slot_find(token, &slot, fault);
    if (result != MASTER_OK)
        return false;
    session.module = slot.module;
    rv = slot.module->C_OpenSession(slot.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                    &session.handle);
    if (rv != CKR_OK)
        return token_fault(fault, "C_OpenSession", rv) == MASTER_OK;
    result = token_log_in(token, &slot, session.handle, fault);
    if (result == MASTER_OK)
        result = make(token, &session, fault);
    (void)slot.module->C_CloseSession(session.handle);
    return result == MASTER_OK;
}
