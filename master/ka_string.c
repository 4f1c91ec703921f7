/*
 * S of AKMA-KA, for computing the HMAC outside the module: in a token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_string.h"

#include "rows.h"

#include <string.h>

/* A parameter and its length, two octets, big endian (TS 33.220 B.2.0). */
static size_t append_field(unsigned char *s, size_t at, const char *text, size_t length)
{
    memcpy(s + at, text, length);
    at += length;
    s[at++] = (unsigned char)(length >> 8);
    s[at++] = (unsigned char)length;
    return at;
}

size_t ka_string(unsigned char s[KA_STRING_MAX], const char *device, const char *ka_id,
                 const char **fault)
{
    static const char p0[] = "akma-ka";
    const size_t device_length = strlen(device), ka_id_length = strlen(ka_id);
    size_t at = 0;

    *fault = NULL;
    if (device_length > KA_STRING_TEXT_MAX)
        *fault = "device: longer than 255 octets";
    else if (ka_id_length > KA_STRING_TEXT_MAX)
        *fault = "ka-id: longer than 255 octets";
    else if (!row_is_text(device, device_length))
        *fault = "device: must be UTF-8 without blanks, quotes, control characters and invisible "
                 "characters";
    else if (!row_is_text(ka_id, ka_id_length))
        *fault = "ka-id: must be UTF-8 without blanks, quotes, control characters and invisible "
                 "characters";
    if (*fault != NULL)
        return 0;
    s[at++] = 0xFF;
    s[at++] = 0xE2;
    at = append_field(s, at, p0, sizeof(p0) - 1);
    at = append_field(s, at, device, device_length);
    return append_field(s, at, ka_id, ka_id_length);
}
