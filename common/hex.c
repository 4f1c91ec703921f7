/*
 * Hexadecimal text to octets, and back
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

size_t hex_encode(char *hex, const unsigned char *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[octets[i] >> 4];
        hex[2 * i + 1] = digits[octets[i] & 0x0F];
    }
    return 2 * length;
}
