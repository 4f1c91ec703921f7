/*
 * Patterns of a policy's lists: which NAFs, which Ua security protocols
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "patterns.h"

#include "naf_syntax.h"
#include "utf8.h"

#include <openssl/crypto.h>
#include <string.h>

const char *pattern_read_naf(struct pattern *pattern, const char *text, size_t length)
{
    const unsigned char *name = (const unsigned char *)text;
    const char *fault;

    pattern->beneath = length >= 2 && memcmp(text, "*.", 2) == 0;
    if (pattern->beneath) {
        name += 2;
        length -= 2;
    }
    if (memchr(name, '*', length) != NULL)
        return "a '*' is alone or not at the front; must be an FQDN, or "
               "'*.' followed by at least two labels";
    fault = naf_fqdn_fault(name, length);
    if (fault != NULL)
        return fault;
    if (pattern->beneath && memchr(name, '.', length) == NULL)
        return "'*.' must be followed by at least two labels";
    if (pattern->beneath) { /* with the dot before it */
        name--;
        length++;
    }
    memcpy(pattern->octets, name, length);
    pattern->length = length;
    return NULL;
}

#define UA_PROTOCOL_WANTED "must be the hex of 5 octets, or of 1 to 4 octets and '*'"

const char *pattern_read_ua_protocol(struct pattern *pattern, const char *text, size_t length)
{
    const bool prefix = length > 0 && text[length - 1] == '*';
    const size_t digits = prefix ? length - 1 : length;

    pattern->length = digits / 2;
    if (digits % 2 != 0 ||
        (prefix ? pattern->length == 0 || pattern->length >= AKMA_UA_PROTOCOL_ID_LENGTH
                : pattern->length != AKMA_UA_PROTOCOL_ID_LENGTH))
        return UA_PROTOCOL_WANTED;
    for (size_t i = 0; i < pattern->length; i++) {
        const int high = OPENSSL_hexchar2int((unsigned char)text[2 * i]);
        const int low = OPENSSL_hexchar2int((unsigned char)text[2 * i + 1]);

        if (high < 0 || low < 0)
            return UA_PROTOCOL_WANTED;
        pattern->octets[i] = (unsigned char)(high << 4 | low);
    }
    return NULL;
}

bool pattern_matches_naf(const struct pattern *pattern, const unsigned char *fqdn, size_t length)
{
    if (pattern->beneath ? length <= pattern->length : length != pattern->length)
        return false;
    return ascii_same((const char *)pattern->octets, (const char *)fqdn + length - pattern->length,
                      pattern->length);
}

bool pattern_matches_ua_protocol(const struct pattern *pattern, const unsigned char *identifier)
{
    return memcmp(pattern->octets, identifier, pattern->length) == 0;
}
