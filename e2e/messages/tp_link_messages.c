/*
 * The lines of JSON on the link between NAF and third party
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/tp_link_messages.h"

#include <openssl/crypto.h>
#include <string.h>

static json_t *pack_question(const struct tp_link_request *request)
{
    char ks_naf[JSON_HEX_SIZE(TP_LINK_KEY_LENGTH)], nonce[JSON_HEX_SIZE(NONCE_LENGTH)];
    char ua[JSON_HEX_SIZE(TP_LINK_UA_LENGTH)];
    json_t *object;

    json_line_to_hex(ks_naf, request->ks_naf, TP_LINK_KEY_LENGTH);
    json_line_to_hex(nonce, request->nonce, NONCE_LENGTH);
    json_line_to_hex(ua, request->ua_protocol_id, TP_LINK_UA_LENGTH);
    object = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s}", "id", (json_int_t)request->id, "identity",
                       request->identity, "ks-naf", ks_naf, "naf-fqdn", request->naf_fqdn,
                       "ua-protocol-id", ua, "nonce", nonce);
    OPENSSL_cleanse(ks_naf, sizeof(ks_naf));
    if (request->device[0] != '\0')
        object = json_line_with(object, "device", json_string(request->device));
    if (request->ka_id[0] != '\0')
        object = json_line_with(object, "ka-id", json_string(request->ka_id));
    if (request->not_after != 0)
        object = json_line_with(object, "not-after", json_integer(request->not_after));
    return object;
}

char *tp_link_request_encode(const struct tp_link_request *request)
{
    if (request->is_revocation)
        return json_line_encode(
            json_pack("{s:I,s:s}", "id", (json_int_t)request->id, "revoke", request->identity));
    return json_line_encode(pack_question(request));
}

/* What an error's sentence begins with. */
static const char *const culprits[] = {
    [TP_LINK_THIRD_PARTY] = "",
    [TP_LINK_STORE] = "store: ",
    [TP_LINK_KA] = "ka: ",
};

char *tp_link_answer_encode(const struct tp_link_answer *answer)
{
    json_t *object;

    switch (answer->verdict) {
    case TP_LINK_FLAG:
        object = e2e_flag_pack(&answer->flag);
        break;
    case TP_LINK_REVOKED:
        object = json_pack("{s:b}", "revoked", 1);
        break;
    default:
        object = json_pack("{s:s+}", "error", culprits[answer->culprit], answer->error);
    }
    return json_line_encode(json_line_with(object, "id", json_integer(answer->id)));
}

/* Take the id out of an object; false: it is not there, or none. */
static bool take_id(int64_t *id, json_t *object, char fault[JSON_FAULT_SIZE])
{
    const json_t *value = json_object_get(object, "id");

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return json_line_fault(fault, "id: must be an integer from 0 on", "");
    *id = json_integer_value(value);
    (void)json_object_del(object, "id");
    return true;
}

static bool copy_text(char text[TP_LINK_TEXT_SIZE], const char *given, const char *name,
                      char fault[JSON_FAULT_SIZE])
{
    if (given[0] == '\0' || strlen(given) >= TP_LINK_TEXT_SIZE)
        return json_line_fault(fault, name, ": must be 1 to 255 octets");
    memcpy(text, given, strlen(given) + 1);
    return true;
}

static bool read_question(struct tp_link_request *request, json_t *object,
                          char fault[JSON_FAULT_SIZE])
{
    const char *identity, *device = NULL, *ka_id = NULL, *ks_naf, *naf_fqdn, *ua, *nonce;
    json_int_t not_after = 0;
    json_error_t error;

    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:s,s?s,s?s,s:s,s:s,s:s,s:s,s?I}", "identity",
                       &identity, "device", &device, "ka-id", &ka_id, "ks-naf", &ks_naf, "naf-fqdn",
                       &naf_fqdn, "ua-protocol-id", &ua, "nonce", &nonce, "not-after",
                       &not_after) != 0)
        return json_line_fault(fault, "not a request: ", error.text);
    if (!json_line_from_hex(request->ks_naf, TP_LINK_KEY_LENGTH, ks_naf))
        return json_line_fault(fault, "ks-naf: must be 64 hex digits", "");
    if (!json_line_from_hex(request->ua_protocol_id, TP_LINK_UA_LENGTH, ua))
        return json_line_fault(fault, "ua-protocol-id: must be 10 hex digits", "");
    if (!json_line_from_hex(request->nonce, NONCE_LENGTH, nonce))
        return json_line_fault(fault, "nonce: must be 32 hex digits", "");
    if (not_after < 0 || (not_after == 0 && json_object_get(object, "not-after") != NULL))
        return json_line_fault(fault, "not-after: must be seconds since 1970, more than 0", "");
    request->not_after = not_after;
    return copy_text(request->identity, identity, "identity", fault) &&
           copy_text(request->naf_fqdn, naf_fqdn, "naf-fqdn", fault) &&
           (device == NULL || copy_text(request->device, device, "device", fault)) &&
           (ka_id == NULL || copy_text(request->ka_id, ka_id, "ka-id", fault));
}

static bool read_request(struct tp_link_request *request, json_t *object,
                         char fault[JSON_FAULT_SIZE])
{
    const char *identity;

    if (!take_id(&request->id, object, fault))
        return false;
    request->is_revocation = json_object_get(object, "revoke") != NULL;
    if (!request->is_revocation)
        return read_question(request, object, fault);
    if (json_unpack(object, "{s:s!}", "revoke", &identity) != 0)
        return json_line_fault(fault, "revoke: must be an identity, with no other member but id",
                               "");
    return copy_text(request->identity, identity, "revoke", fault);
}

bool tp_link_request_decode(struct tp_link_request *request, const char *line, size_t length,
                            char fault[JSON_FAULT_SIZE])
{
    json_t *object = json_line_parse(line, length, fault);
    bool done;

    *request = (struct tp_link_request){.id = -1};
    done = object != NULL && read_request(request, object, fault);
    json_decref(object);
    return done;
}

/* *error goes on behind it. */
static enum tp_link_culprit find_culprit(const char **error)
{
    size_t i = sizeof(culprits) / sizeof(culprits[0]) - 1;

    while (i > TP_LINK_THIRD_PARTY && strncmp(*error, culprits[i], strlen(culprits[i])) != 0)
        i--;
    *error += strlen(culprits[i]);
    return (enum tp_link_culprit)i;
}

static bool read_answer(struct tp_link_answer *answer, json_t *object, char fault[JSON_FAULT_SIZE])
{
    const char *error;
    int revoked;

    answer->culprit = TP_LINK_THIRD_PARTY;
    if (!take_id(&answer->id, object, fault))
        return false;
    if (json_object_get(object, "error") != NULL) {
        answer->verdict = TP_LINK_ERROR;
        if (json_unpack(object, "{s:s!}", "error", &error) != 0)
            return json_line_fault(fault, "error: must be a sentence, with no other member but id",
                                   "");
        answer->culprit = find_culprit(&error);
        (void)json_line_fault(answer->error, "", error);
        return true;
    }
    if (json_object_get(object, "revoked") != NULL) {
        answer->verdict = TP_LINK_REVOKED;
        return (json_unpack(object, "{s:b!}", "revoked", &revoked) == 0 && revoked) ||
               json_line_fault(fault, "revoked: must be true, with no other member but id", "");
    }
    answer->verdict = TP_LINK_FLAG;
    return e2e_flag_unpack(&answer->flag, object, fault);
}

bool tp_link_answer_decode(struct tp_link_answer *answer, const char *line, size_t length,
                           char fault[JSON_FAULT_SIZE])
{
    json_t *object = json_line_parse(line, length, fault);
    const bool done = object != NULL && read_answer(answer, object, fault);

    json_decref(object);
    return done;
}
