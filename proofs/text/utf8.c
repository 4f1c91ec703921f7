/*
 * utf8_fault() accepts a text if and only if it is UTF-8 as RFC 3629 has it, without NUL
 * and without a character that is not seen; utf8_find_unseen() names the first of these
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

/* Characters that nobody sees (docs/derivation.md): controls, formats, separators, noncharacters.
 */
static bool is_unseen(unsigned long number)
{
    return number <= 0x1F || (number >= 0x7F && number <= 0x9F) || number == 0xAD ||
           (number >= 0x200B && number <= 0x200F) || number == 0x2028 || number == 0x2029 ||
           (number >= 0x202A && number <= 0x202E) || (number >= 0x2060 && number <= 0x2064) ||
           (number >= 0x2066 && number <= 0x206F) || number == 0xFEFF ||
           (number >= 0xFDD0 && number <= 0xFDEF) || number % 0x10000 >= 0xFFFE;
}

/* Reads as far as each character is UTF-8 and seen; unseen: the one that is not, 0: none is. */
static bool is_text(const unsigned char *text, size_t length, unsigned long *unseen)
{
    size_t at = 0;

    *unseen = 0;
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
        if (is_unseen(number)) {
            *unseen = number;
            return false;
        }
        at += size;
    }
    return true;
}

void prove(void)
{
    unsigned char text[LENGTH];
    const size_t length = nondet_size();
    unsigned long unseen;
    uint32_t named = 0;
    bool wanted;

    GIVEN(length <= LENGTH);
    wanted = is_text(text, length, &unseen);
    CLAIM((utf8_fault(text, length) == NULL) == wanted);
    CLAIM(utf8_find_unseen(text, length, &named) == (unseen != 0));
    CLAIM(named == unseen);
}
