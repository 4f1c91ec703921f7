/*
 * The key in a token that is the master secret
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;

/* PKCS#11 wants pointers that are not const; nothing is written through this one. */
static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, length};
}

static CK_RV find(const struct token_session *session, CK_ATTRIBUTE *wanted, CK_ULONG wanted_count,
                  CK_OBJECT_HANDLE keys[2], CK_ULONG *count)
{
    CK_FUNCTION_LIST *module = session->module;
    CK_RV rv = module->C_FindObjectsInit(session->handle, wanted, wanted_count);
    CK_ULONG more = 1;

    *count = 0;
    if (rv != CKR_OK)
        return rv;
    while (rv == CKR_OK && *count < 2 &&
           more > 0) { /* some give fewer at a time than are asked for */
        more = 0;
        rv = module->C_FindObjects(session->handle, keys + *count, 2 - *count, &more);
        *count += more;
    }
    (void)module->C_FindObjectsFinal(session->handle);
    return rv;
}

enum master_result token_key_count(const struct token *token, const struct token_session *session,
                                   CK_OBJECT_HANDLE *key, CK_ULONG *count,
                                   char fault[MASTER_FAULT_SIZE])
{
    CK_ULONG of_uri = 0, wanted_count = 0;
    const CK_ATTRIBUTE *attributes = p11_kit_uri_get_attributes(token->uri.uri, &of_uri);
    CK_ATTRIBUTE *wanted = OPENSSL_malloc((of_uri + 1) * sizeof(*wanted));
    CK_OBJECT_HANDLE keys[2] = {0, 0};
    CK_RV rv;

    if (wanted == NULL)
        return master_fault(fault, MASTER_UNAVAILABLE, "out of memory");
    wanted[wanted_count++] = attribute(CKA_CLASS, &secret_key, sizeof(secret_key));
    for (CK_ULONG i = 0; i < of_uri; i++)
        if (attributes[i].type != CKA_CLASS)
            wanted[wanted_count++] = attributes[i];
    rv = find(session, wanted, wanted_count, keys, count);
    OPENSSL_free(wanted);
    *key = keys[0];
    return rv == CKR_OK ? MASTER_OK : token_fault(fault, "C_FindObjects", rv);
}

/* An attribute of a fixed size; false: the token does not say. */
static bool get(const struct token_session *session, CK_ATTRIBUTE_TYPE type, void *value,
                size_t length)
{
    CK_ATTRIBUTE wanted = {type, value, length};

    return session->module->C_GetAttributeValue(session->handle, session->key, &wanted, 1) ==
               CKR_OK &&
           wanted.ulValueLen == length;
}

static enum master_result refuse(char fault[MASTER_FAULT_SIZE], const char *what)
{
    return master_fault(fault, MASTER_REFUSED, what);
}

enum master_result token_key_is_fit(const struct token_session *session,
                                    char fault[MASTER_FAULT_SIZE])
{
    CK_BBOOL can_sign = CK_FALSE, can_leave = CK_TRUE;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG length = MASTER_KA_LENGTH;

    if (!get(session, CKA_KEY_TYPE, &type, sizeof(type)) ||
        (type != CKK_GENERIC_SECRET && type != CKK_SHA256_HMAC))
        return refuse(fault,
                      "pkcs11: the key must be of type CKK_GENERIC_SECRET or CKK_SHA256_HMAC");
    if (get(session, CKA_VALUE_LEN, &length, sizeof(length)) && length != MASTER_KA_LENGTH) {
        (void)snprintf(fault, MASTER_FAULT_SIZE, "pkcs11: the key has %lu octets, and must have 32",
                       length);
        return MASTER_REFUSED;
    }
    if (!get(session, CKA_SIGN, &can_sign, sizeof(can_sign)) || can_sign == CK_FALSE)
        return refuse(fault, "pkcs11: the key must be permitted to sign (CKA_SIGN)");
    if (!get(session, CKA_EXTRACTABLE, &can_leave, sizeof(can_leave)) || can_leave != CK_FALSE)
        return refuse(fault, "pkcs11: the key can leave the token, and must not be extractable "
                             "(CKA_EXTRACTABLE)");
    return MASTER_OK;
}

enum master_result token_key_find(const struct token *token, struct token_session *session,
                                  char fault[MASTER_FAULT_SIZE])
{
    CK_ULONG count = 0;
    const enum master_result result = token_key_count(token, session, &session->key, &count, fault);

    if (result != MASTER_OK)
        return result;
    if (count == 0)
        return refuse(fault, "pkcs11: there is no such secret key in the token (akma ka new "
                             "--pkcs11 makes one)");
    if (count > 1)
        return refuse(fault, "pkcs11: more than one key is meant: name it by object= and id=");
    return token_key_is_fit(session, fault);
}

enum master_result token_sign(const struct token_session *session, const unsigned char *s,
                              size_t length, unsigned char mac[MASTER_KA_LENGTH],
                              char fault[MASTER_FAULT_SIZE])
{
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG got = MASTER_KA_LENGTH;
    CK_RV rv = session->module->C_SignInit(session->handle, &hmac, session->key);

    if (rv != CKR_OK)
        return token_fault(fault, "C_SignInit", rv);
    rv = session->module->C_Sign(session->handle, (CK_BYTE_PTR)(uintptr_t)s, length, mac, &got);
    if (rv != CKR_OK)
        return token_fault(fault, "C_Sign", rv);
    if (got == MASTER_KA_LENGTH)
        return MASTER_OK;
    (void)snprintf(fault, MASTER_FAULT_SIZE,
                   "pkcs11: the token gave %lu octets for an HMAC-SHA-256, which has 32", got);
    return MASTER_UNAVAILABLE;
}
