/*
 * The files of PSKs that others read, one device per line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_format.h"

#include "hex.h"

#include <string.h>

/* The bounds are those that the programs themselves showed; libcrypto's longest PSK has 512 octets.
 */
static const struct psk_format formats[] = {
    /* psk_file: split at the first colon. */
    {"mosquitto", "", "", "", ":", "\n", "", ":", true, false, 1, 512, 255},
    /* PSKsecrets: likewise; one line that it does not take, and it does not start. */
    {"stunnel", "", "", "", ":", "\n", "", ":", true, false, 16, 512, 255},
    /* coap-server -i: hint,identity,key; the key is this text, so peers give the same digits. */
    {"libcoap", "", "", ",", ",", "\n", "", ",", false, false, 1, 32, 128},
    /* Arguments of openssl s_client and s_server, as xargs reads them. */
    {"openssl", "", "", "-psk_identity ", " -psk ", "\n", "", "'\\", false, false, 1, 512, 255},
    /* --pskpasswd, as psktool writes it; '#' begins an identity in hex. */
    {"gnutls", "", "", "", ":", "\n", "", ":", true, false, 4, 0, 255},
    {"json", "[\n", "\n]\n", "{\"identity\":\"", "\",\"e2e-key\":\"", "\"}", ",\n", "", false, true,
     1, 0, 255},
};

const struct psk_format *psk_format_of(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}

char psk_format_bad_char(const struct psk_format *format, const char *identity, size_t length)
{
    if (format->comments && length > 0 && identity[0] == '#')
        return identity[0];
    for (const char *c = format->forbidden; *c != '\0'; c++)
        if (memchr(identity, *c, length) != NULL)
            return *c;
    return '\0';
}

size_t psk_format_room(const struct psk_format *format, size_t identity_length, size_t key_length)
{
    return strlen(format->before) + 2 * identity_length + strlen(format->between) + 2 * key_length +
           strlen(format->after);
}

static char *put(char *place, const char *text, size_t length)
{
    memcpy(place, text, length);
    return place + length;
}

static char *put_escaped(char *place, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            *place++ = '\\';
        *place++ = text[i];
    }
    return place;
}

size_t psk_format_write(const struct psk_format *format, char *line, const char *identity,
                        size_t length, const unsigned char *key, size_t key_length)
{
    char *place = put(line, format->before, strlen(format->before));

    place = format->escaped ? put_escaped(place, identity, length) : put(place, identity, length);
    place = put(place, format->between, strlen(format->between));
    place += hex_encode(place, key, key_length);
    place = put(place, format->after, strlen(format->after));
    return (size_t)(place - line);
}
