/*
 * The files of PSKs that others read, one device per line
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "psk_format.h"

#include "hex.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define HASH_HEX    32U  /* digits of MD5 */
#define BASE64_SIZE 1024 /* more than the base64 of 512 octets */

/* The bounds are those that the programs themselves showed; libcrypto's longest PSK has 512 octets.
 */
static const struct psk_format formats[] = {
    /* psk_file: split at the first colon. */
    {"mosquitto", "", "", "", ":", "\n", "", ":", true, false, NULL, 1, 512, 255},
    /* PSKsecrets: likewise; one line that it does not take, and it does not start. */
    {"stunnel", "", "", "", ":", "\n", "", ":", true, false, NULL, 16, 512, 255},
    /* coap-server -i: hint,identity,key; the key is this text, so peers give the same digits. */
    {"libcoap", "", "", ",", ",", "\n", "", ",", false, false, NULL, 1, 32, 128},
    /* Arguments of openssl s_client and s_server, as xargs reads them. */
    {"openssl", "", "", "-psk_identity ", " -psk ", "\n", "", "'\\", false, false, NULL, 1, 512,
     255},
    /* --pskpasswd, as psktool writes it; '#' begins an identity in hex. */
    {"gnutls", "", "", "", ":", "\n", "", ":", true, false, NULL, 4, 0, 255},
    /* AuthUserFile of Apache and lighttpd: identity:realm:hash. TS 33.222 5.2, TS 33.535 B.1.2. */
    {"htdigest", "", "", "", ":", "\n", "", ":", true, false, "3GPP-bootstrapping@", 1, 512, 255},
    {"json", "[\n", "\n]\n", "{\"identity\":\"", "\",\"e2e-key\":\"", "\"}", ",\n", "", false, true,
     NULL, 1, 0, 255},
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

size_t psk_format_room(const struct psk_format *format, const struct psk_line *line)
{
    const size_t realm =
        format->realm == NULL ? 0 : strlen(format->realm) + line->fqdn_length + 1 + HASH_HEX;

    return strlen(format->before) + 2 * line->length + strlen(format->between) + realm +
           2 * line->key_length + strlen(format->after);
}

static char *append(char *place, const char *text, size_t length)
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

/* The realm, and the hash in hex; NULL: there is no MD5. */
static char *put_digest(char *place, const struct psk_format *format, const struct psk_line *line)
{
    char base64[BASE64_SIZE];
    unsigned char hash[HASH_HEX / 2];
    char *const realm = place;
    EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const int length = EVP_EncodeBlock((unsigned char *)base64, line->key, (int)line->key_length);
    bool done;

    place = append(place, format->realm, strlen(format->realm));
    place = append(place, line->fqdn, line->fqdn_length);
    done = md5 != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, md5, NULL) > 0 &&
           EVP_DigestUpdate(ctx, line->identity, line->length) > 0 &&
           EVP_DigestUpdate(ctx, ":", 1) > 0 &&
           EVP_DigestUpdate(ctx, realm, (size_t)(place - realm)) > 0 &&
           EVP_DigestUpdate(ctx, ":", 1) > 0 && EVP_DigestUpdate(ctx, base64, (size_t)length) > 0 &&
           EVP_DigestFinal_ex(ctx, hash, NULL) > 0;
    place = append(place, ":", 1);
    if (done)
        place += hex_encode(place, hash, sizeof(hash));
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md5);
    OPENSSL_cleanse(base64, sizeof(base64));
    OPENSSL_cleanse(hash, sizeof(hash));
    return done ? place : NULL;
}

size_t psk_format_write(const struct psk_format *format, char *place, const struct psk_line *line)
{
    const char *const begin = place;

    place = append(place, format->before, strlen(format->before));
    place = format->escaped ? put_escaped(place, line->identity, line->length)
                            : append(place, line->identity, line->length);
    place = append(place, format->between, strlen(format->between));
    if (format->realm != NULL)
        place = put_digest(place, format, line);
    else
        place += hex_encode(place, line->key, line->key_length);
    if (place == NULL)
        return 0;
    place = append(place, format->after, strlen(format->after));
    return (size_t)(place - begin);
}
