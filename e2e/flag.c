/*
 * The two lines of JSON that open a connection: the UE's nonce, and the server's e2e flag
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "flag.h"

#include "hex.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Room for the hex of octets. */
#define HEX_SIZE(octets) (2 * (octets) + 1)

static void to_hex(char *hex, const unsigned char *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", octets[i]);
    hex[2 * length] = '\0';
}

static bool from_hex(unsigned char *octets, size_t max, const char *hex, size_t *length)
{
    const size_t digits = strlen(hex);

    *length = digits / 2;
    return *length <= max && hex_decode(octets, hex, digits);
}

/* The text of a packed object, which is taken over. */
static char *encode(json_t *object)
{
    char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

    json_decref(object);
    return line;
}

char *nonce_encode(const unsigned char nonce[NONCE_LENGTH])
{
    char hex[HEX_SIZE(NONCE_LENGTH)];

    to_hex(hex, nonce, NONCE_LENGTH);
    return encode(json_pack("{s:s}", "nonce", hex));
}

char *flag_encode(const struct flag *flag)
{
    char refresh[HEX_SIZE(FLAG_REFRESH_MAX)];

    if (!flag->e2e)
        return encode(json_pack("{s:i}", "e2e", 0));
    to_hex(refresh, flag->refresh, flag->refresh_length);
    return encode(json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s*}", "e2e", 1, "mode", flag->mode,
                            "digest", flag->digest, "refresh", refresh, "usage", flag->usage,
                            "identity", flag->identity, "ka-id",
                            flag->ka_id[0] == '\0' ? NULL : flag->ka_id));
}

static bool wrong(char fault[FLAG_FAULT_SIZE], const char *what, const char *detail)
{
    (void)snprintf(fault, FLAG_FAULT_SIZE, "%s%.100s", what, detail);
    return false;
}

static json_t *decode(const char *line, size_t length, char fault[FLAG_FAULT_SIZE])
{
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);

    if (object == NULL)
        (void)wrong(fault, "not JSON: ", error.text);
    return object;
}

static bool read_nonce(unsigned char nonce[NONCE_LENGTH], json_t *object,
                       char fault[FLAG_FAULT_SIZE])
{
    json_error_t error;
    const char *hex;
    size_t length;

    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:s}", "nonce", &hex) != 0)
        return wrong(fault, "not a nonce: ", error.text);
    return (from_hex(nonce, NONCE_LENGTH, hex, &length) && length == NONCE_LENGTH) ||
           wrong(fault, "nonce: 32 hex digits wanted", "");
}

bool nonce_decode(unsigned char nonce[NONCE_LENGTH], const char *line, size_t length,
                  char fault[FLAG_FAULT_SIZE])
{
    json_t *object = decode(line, length, fault);
    const bool done = object != NULL && read_nonce(nonce, object, fault);

    json_decref(object);
    return done;
}

static bool copy_text(char text[FLAG_TEXT_MAX + 1], const char *given, const char *name,
                      char fault[FLAG_FAULT_SIZE])
{
    if (strlen(given) > FLAG_TEXT_MAX)
        return wrong(fault, name, ": at most 256 octets wanted");
    memcpy(text, given, strlen(given) + 1);
    return true;
}

static bool read_flag(struct flag *flag, json_t *object, char fault[FLAG_FAULT_SIZE])
{
    const char *mode, *digest, *refresh, *usage, *identity, *ka_id = "";
    json_error_t error;
    int e2e;

    if (json_unpack(object, "{s:i!}", "e2e", &e2e) == 0 && e2e == 0)
        return true;
    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:i,s:s,s:s,s:s,s:s,s:s,s?s}", "e2e", &e2e,
                       "mode", &mode, "digest", &digest, "refresh", &refresh, "usage", &usage,
                       "identity", &identity, "ka-id", &ka_id) != 0)
        return wrong(fault, "not a flag: ", error.text);
    if (e2e != 1)
        return wrong(fault, "e2e: 0 alone, or 1 with all that belongs to it, wanted", "");
    flag->e2e = true;
    if (!from_hex(flag->refresh, FLAG_REFRESH_MAX, refresh, &flag->refresh_length))
        return wrong(fault, "refresh: the hex of at most 255 octets wanted", "");
    if (identity[0] == '\0')
        return wrong(fault, "identity: empty, what to present next wanted", "");
    return copy_text(flag->mode, mode, "mode", fault) &&
           copy_text(flag->digest, digest, "digest", fault) &&
           copy_text(flag->usage, usage, "usage", fault) &&
           copy_text(flag->identity, identity, "identity", fault) &&
           copy_text(flag->ka_id, ka_id, "ka-id", fault);
}

bool flag_decode(struct flag *flag, const char *line, size_t length, char fault[FLAG_FAULT_SIZE])
{
    json_t *object = decode(line, length, fault);
    bool done;

    memset(flag, 0, sizeof(*flag));
    done = object != NULL && read_flag(flag, object, fault);
    json_decref(object);
    return done;
}
