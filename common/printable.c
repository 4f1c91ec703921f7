/*
 * The one filter for text from a peer, a file or the command line on its way to a log or terminal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printable.h"

#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CUT         "..."
#define ESCAPE_SIZE 4 /* \xNN */

/* Ranges of code points that are escaped, in order. Unicode 15: categories Cc, Cf, Zl, Zp. */
static const struct {
    uint32_t first, last;
} escaped[] = {
    {0x0000, 0x001F},   {'"', '"'},         {'\\', '\\'},       {0x007F, 0x009F},
    {0x00AD, 0x00AD},   {0x0600, 0x0605},   {0x061C, 0x061C},   {0x06DD, 0x06DD},
    {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x180E, 0x180E},
    {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE007F},
};

static bool is_escaped(uint32_t code_point)
{
    for (size_t i = 0; i < sizeof(escaped) / sizeof(escaped[0]); i++)
        if (code_point >= escaped[i].first && code_point <= escaped[i].last)
            return true;
    return false;
}

/* Write the next character of text, which takes length octets; 0 if it does not fit. */
static size_t append(char *place, size_t room, const char *text, size_t length, bool escape)
{
    const size_t needed = escape ? ESCAPE_SIZE * length : length;

    if (needed > room)
        return 0;
    if (!escape)
        memcpy(place, text, length);
    for (size_t i = 0; escape && i < length; i++) {
        static const char digits[] = "0123456789ABCDEF";
        const unsigned char octet = (unsigned char)text[i];
        const char form[ESCAPE_SIZE] = {'\\', 'x', digits[octet >> 4], digits[octet & 0x0F]};

        memcpy(place + ESCAPE_SIZE * i, form, ESCAPE_SIZE);
    }
    return needed;
}

const char *printable_octets(char *shown, size_t size, const char *text, size_t length)
{
    const size_t room = size - 1;
    size_t used = 0, cut = 0; /* cut: the last place where CUT still fits */

    while (length > 0) {
        const unsigned char *character = (const unsigned char *)text;
        const size_t step = utf8_character(character, length), taken = step == 0 ? 1 : step;
        const bool escape = step == 0 || is_escaped(utf8_code_point(character, step));
        const size_t written = append(shown + used, room - used, text, taken, escape);

        if (written == 0) {
            memcpy(shown + cut, CUT, strlen(CUT));
            used = cut + strlen(CUT);
            break;
        }
        used += written;
        if (used + strlen(CUT) <= room)
            cut = used;
        text += taken;
        length -= taken;
    }
    shown[used] = '\0';
    return shown;
}

const char *printable_text(struct printable *room, const char *text)
{
    const char *given = text == NULL ? "(none)" : text;

    return printable_octets(room->text, sizeof(room->text), given, strlen(given));
}
