/*
 * utf8_fault() accepts a text if and only if it is UTF-8 as RFC 3629 has it, without NUL
 *
 * The other way to say it: each character is decoded, and has to be what its number is encoded to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "utf8.h"
#include "proof.h"

/* Octets that the UTF-8 of a character number takes (RFC 3629 clause 3); 0: there is none. */
static size_t size_of(unsigned long number)
{
    if (number == 0 || (number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF)
        return 0;
    return number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
}

/* Octets of the character at the start of the text, by the bits of its first octet; 0: none. */
static size_t announced(unsigned char first)
{
    if (first < 0x80)
        return 1;
    return (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : (first & 0xF8) == 0xF0 ? 4 : 0;
}

static bool is_utf8(const unsigned char *text, size_t length)
{
    size_t at = 0;

    while (at < length) {
        const size_t size = announced(text[at]);
        unsigned long number = size == 1 ? text[at] : text[at] & (0x7FU >> size);

        if (size == 0 || size > length - at)
            return false;
        for (size_t i = 1; i < size; i++) {
            if ((text[at + i] & 0xC0) != 0x80)
                return false;
            number = number << 6 | (text[at + i] & 0x3FU);
        }
        if (size_of(number) != size)
            return false;
        at += size;
    }
    return true;
}

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();

    GIVEN(length <= LENGTH);
    CLAIM((utf8_fault(text, length) == NULL) == is_utf8(text, length));
}
