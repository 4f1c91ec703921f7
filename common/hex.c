/*
 * Hexadecimal text to octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"

#include <openssl/crypto.h>

bool hex_decode(unsigned char *octets, const char *hex, size_t digits)
{
    for (size_t i = 0; i < digits / 2; i++) {
        const int high = OPENSSL_hexchar2int((unsigned char)hex[2 * i]);
        const int low = OPENSSL_hexchar2int((unsigned char)hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return digits % 2 == 0;
}
