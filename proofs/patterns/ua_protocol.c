/*
 * A pattern of Ua security protocols is read if and only if it is the hex of 5 octets, or of 1 to 4
 * and "*"; and it matches that identifier, or those that start so
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "patterns.h"
#include "proof.h"

#include <openssl/crypto.h>

#define LENGTH 12

void prove(void)
{
    char text[LENGTH];
    unsigned char identifier[5], octets[5];
    const size_t length = nondet_size();
    struct pattern pattern;
    size_t digits = 0;
    bool open, wanted, matches = true;

    GIVEN(length <= LENGTH);
    for (size_t i = 0; i < length && OPENSSL_hexchar2int((unsigned char)text[i]) >= 0; i++)
        digits++;
    open = length == digits + 1 && text[digits] == '*';
    wanted = open ? digits == 2 || digits == 4 || digits == 6 || digits == 8
                  : length == 10 && digits == 10;
    CLAIM((pattern_read_ua_protocol(&pattern, text, length) == NULL) == wanted);
    if (!wanted)
        return;
    for (size_t i = 0; i < digits / 2; i++) {
        octets[i] = (unsigned char)(16 * OPENSSL_hexchar2int((unsigned char)text[2 * i]) +
                                    OPENSSL_hexchar2int((unsigned char)text[2 * i + 1]));
        matches = matches && octets[i] == identifier[i];
    }
    CLAIM(pattern_matches_ua_protocol(&pattern, identifier) == matches);
}
