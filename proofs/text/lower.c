/*
 * ascii_lower() makes an ASCII capital the small letter, and leaves everything else as it is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proof.h"
#include "utf8.h"

void prove(void)
{
    const unsigned char c = nondet_octet();
    const bool is_capital = c >= 0x41 && c <= 0x5A;

    CLAIM((unsigned char)ascii_lower((char)c) == (is_capital ? c + 0x20 : c));
}
