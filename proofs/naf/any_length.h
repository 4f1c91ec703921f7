/*
 * What any_length.json says is of these: what has been read when so many octets were
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ANY_LENGTH_H
#define ANY_LENGTH_H

#include "grammar.h"

struct reading readings[LENGTH + 1];

static void read_text(const unsigned char text[LENGTH])
{
    readings[0] = (struct reading){.is_ok = true};
    for (size_t i = 0; i < LENGTH; i++)
        readings[i + 1] = read_octet(readings[i], text[i]);
}

#endif
