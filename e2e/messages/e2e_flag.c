/*
 * The two lines of JSON that open a connection: the UE's nonce, and the server's e2e flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "messages/e2e_flag.h"

#include "hex.h"

#include <string.h>

char *nonce_encode(const struct nonce *nonce)
{
    char hex[JSON_HEX_SIZE(NONCE_LENGTH)];
    json_t *object;

    json_line_to_hex(hex, nonce->octets, NONCE_LENGTH);
    object = json_pack("{s:s}", "nonce", hex);
    if (nonce->device[0] != '\0')
        object = json_line_with(object, "device", json_string(nonce->device));
    if (nonce->ka_id[0] != '\0')
        object = json_line_with(object, "ka-id", json_string(nonce->ka_id));
    return json_line_encode(object);
}

json_t *e2e_flag_pack(const struct e2e_flag *flag)
{
    char refresh[JSON_HEX_SIZE(E2E_FLAG_REFRESH_MAX)];
    json_t *object;

    if (!flag->e2e)
        return json_pack("{s:i}", "e2e", 0);
    json_line_to_hex(refresh, flag->refresh, flag->refresh_length);
    object =
        json_pack("{s:i,s:s,s:s,s:s,s:s,s:s}", "e2e", 1, "mode", flag->mode, "digest", flag->digest,
                  "refresh", refresh, "usage", flag->usage, "identity", flag->identity);
    return flag->ka_id[0] == '\0' ? object
                                  : json_line_with(object, "ka-id", json_string(flag->ka_id));
}

char *e2e_flag_encode(const struct e2e_flag *flag)
{
    return json_line_encode(e2e_flag_pack(flag));
}

static bool copy_text(char *text, size_t max, const char *given, const char *name,
                      char fault[E2E_FLAG_FAULT_SIZE])
{
    if (strlen(given) > max)
        return json_line_fault(fault, name,
                               ": too long; a UE's device and ka-id have at most 255 octets, and "
                               "any other text at most 256");
    memcpy(text, given, strlen(given) + 1);
    return true;
}

static bool read_nonce(struct nonce *nonce, json_t *object, char fault[E2E_FLAG_FAULT_SIZE])
{
    const char *hex, *device = "", *ka_id = "";
    json_error_t error;

    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:s,s?s,s?s}", "nonce", &hex, "device",
                       &device, "ka-id", &ka_id) != 0)
        return json_line_fault(fault, "not a nonce: ", error.text);
    if (!json_line_from_hex(nonce->octets, NONCE_LENGTH, hex))
        return json_line_fault(fault, "nonce: must be 32 hex digits", "");
    return copy_text(nonce->device, E2E_FLAG_DEVICE_MAX, device, "device", fault) &&
           copy_text(nonce->ka_id, E2E_FLAG_DEVICE_MAX, ka_id, "ka-id", fault);
}

bool nonce_decode(struct nonce *nonce, const char *line, size_t length,
                  char fault[E2E_FLAG_FAULT_SIZE])
{
    json_t *object = json_line_parse(line, length, fault);
    const bool done = object != NULL && read_nonce(nonce, object, fault);

    json_decref(object);
    return done;
}

static bool read_refresh(struct e2e_flag *flag, const char *hex, char fault[E2E_FLAG_FAULT_SIZE])
{
    const size_t digits = strlen(hex);

    flag->refresh_length = digits / 2;
    return (flag->refresh_length <= E2E_FLAG_REFRESH_MAX &&
            hex_decode(flag->refresh, hex, digits)) ||
           json_line_fault(fault, "refresh: must be the hex of at most 255 octets", "");
}

bool e2e_flag_unpack(struct e2e_flag *flag, json_t *object, char fault[E2E_FLAG_FAULT_SIZE])
{
    const char *mode, *digest, *refresh, *usage, *identity, *ka_id = "";
    json_error_t error;
    json_int_t e2e; /* an int would be cut, and 4294967296 be 0 */

    memset(flag, 0, sizeof(*flag));
    if (json_unpack(object, "{s:I!}", "e2e", &e2e) == 0 && e2e == 0)
        return true;
    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:I,s:s,s:s,s:s,s:s,s:s,s?s}", "e2e", &e2e,
                       "mode", &mode, "digest", &digest, "refresh", &refresh, "usage", &usage,
                       "identity", &identity, "ka-id", &ka_id) != 0)
        return json_line_fault(fault, "not a flag: ", error.text);
    if (e2e != 1)
        return json_line_fault(fault, "e2e: must be 0 alone, or 1 with all its members", "");
    flag->e2e = true;
    if (identity[0] == '\0')
        return json_line_fault(fault, "identity: empty; must be the identity to present next", "");
    return read_refresh(flag, refresh, fault) &&
           copy_text(flag->mode, E2E_FLAG_TEXT_MAX, mode, "mode", fault) &&
           copy_text(flag->digest, E2E_FLAG_TEXT_MAX, digest, "digest", fault) &&
           copy_text(flag->usage, E2E_FLAG_TEXT_MAX, usage, "usage", fault) &&
           copy_text(flag->identity, E2E_FLAG_TEXT_MAX, identity, "identity", fault) &&
           copy_text(flag->ka_id, E2E_FLAG_TEXT_MAX, ka_id, "ka-id", fault);
}

bool e2e_flag_decode(struct e2e_flag *flag, const char *line, size_t length,
                     char fault[E2E_FLAG_FAULT_SIZE])
{
    json_t *object = json_line_parse(line, length, fault);
    const bool done = object != NULL && e2e_flag_unpack(flag, object, fault);

    json_decref(object);
    return done;
}
